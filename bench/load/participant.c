/* bench/load/participant.c: a participant's life; see participant_signaling.c and participant_media.c for what it does. */
#include "bench/load/participant.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/load/participant_internal.h"

#define OFFER_BYTES 65536

static void on_transport_connected(void *arg, int64_t now_us) {
  participant_media_connected(arg, now_us);
  participant_open_data(arg, now_us);
}

/* Called from inside the transport, which must not be freed there: the service timer does it. */
static void on_transport_failed(void *arg, const char *why) {
  struct participant *p = arg;
  p->failed = true;
  p->failure = why;
  event_loop_set(p->shared->loop, &p->service_timer, 0);
}

static uint32_t random_ssrc(void) {
  uint32_t ssrc = 0;
  while (ssrc == 0)
    RAND_bytes((unsigned char *)&ssrc, sizeof ssrc);
  return ssrc;
}

void participant_plan_offer(const struct participant *p, struct offer_plan *out) {
  const struct media_plan *media = &p->plan.media;
  *out = (struct offer_plan){.microphone = media->microphone,
                             .camera = media->camera,
                             .active = p->plan.janus.room != 0,
                             .layers = media->layers,
                             .audio_slots = p->plan.audio_slots,
                             .video_slots = p->plan.video_slots,
                             .data = p->plan.data,
                             .audio_ssrc = media->audio_ssrc,
                             .ufrag = transport_ufrag(p->transport),
                             .pwd = transport_pwd(p->transport),
                             .fingerprint = transport_context_fingerprint(p->shared->transport)};
  memcpy(out->video_ssrc, media->video_ssrc, sizeof out->video_ssrc);
  memcpy(out->rtx_ssrc, media->rtx_ssrc, sizeof out->rtx_ssrc);
}

static bool prepare(struct participant *p) {
  struct media_plan *media = &p->plan.media;
  p->own_ssrc = media->audio_ssrc = random_ssrc();
  for (unsigned i = 0; i < LOAD_MAX_LAYERS; i++) {
    media->video_ssrc[i] = random_ssrc();
    media->rtx_ssrc[i] = random_ssrc();
  }
  struct transport_listener listener = {p, participant_send_datagram, on_transport_connected, participant_receive_data,
                                        on_transport_failed};
  if (transport_create(&p->transport, p->shared->transport, &listener)) return false;
  struct offer_plan offer;
  participant_plan_offer(p, &offer);
  media->microphone_mid = offer_mid_microphone(&offer);
  media->camera_mid = offer_mid_camera(&offer);
  if (!media->microphone && media->camera) p->own_ssrc = media->video_ssrc[0];
  p->offer = malloc(OFFER_BYTES);
  return p->offer && offer_write(&offer, p->offer, OFFER_BYTES) &&
         media_sender_create(&p->sender, media, p->plan.seed) == 0;
}

int participant_create(struct participant **out, struct participant_shared *shared,
                       const struct participant_plan *plan) {
  struct participant *p = calloc(1, sizeof *p);
  if (!p) return -ENOMEM;
  p->shared = shared;
  p->plan = *plan;
  p->udp.fd = -1;
  p->media_timer = (struct loop_timer){.due = participant_run_media, .arg = p};
  p->service_timer = (struct loop_timer){.due = participant_service, .arg = p};
  p->janus.ask_timer = (struct loop_timer){.due = participant_janus_ask_again, .arg = p};
  int error = prepare(p) ? 0 : -ENOMEM;
  if (!error) error = plan->janus.room ? participant_janus_open(p) : participant_fetch_token(p);
  if (error) {
    participant_free(p);
    return error;
  }
  shared->counters->joins++;
  *out = p;
  return 0;
}

void participant_free(struct participant *p) {
  if (!p) return;
  if (p->ready) p->shared->counters->leaves++;
  if (p->web) participant_say_leave(p);
  event_loop_stop(p->shared->loop, &p->media_timer);
  event_loop_stop(p->shared->loop, &p->service_timer);
  event_loop_stop(p->shared->loop, &p->janus.ask_timer);
  data_channels_free(p->data);
  if (p->transport && p->udp.fd >= 0) transport_close(p->transport);
  transport_free(p->transport);
  if (p->udp.fd >= 0) {
    event_loop_unwatch(p->shared->loop, &p->udp);
    close(p->udp.fd);
  }
  web_client_free(p->web);
  media_sender_free(p->sender);
  media_receiver_free(p->receiver);
  free(p->token);
  free(p->offer);
  free(p);
}

void participant_fail(struct participant *p, const char *format, ...) {
  char why[PARTICIPANT_WORDS_BYTES];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why, sizeof why, format, arguments);
  va_end(arguments);
  p->shared->counters->failed++;
  p->shared->listener.failed(p->shared->listener.arg, p, why);
}

void participant_check_ready(struct participant *p, int64_t now_us) {
  bool publishes = p->plan.media.microphone || p->plan.media.camera;
  if (p->ready || !p->connected || (publishes && !p->published)) return;
  p->ready = true;
  p->shared->counters->joined++;
  histogram_add(&p->shared->counters->join_us, now_us - p->opened_us);
  p->shared->listener.ready(p->shared->listener.arg, p, now_us);
}

/* ---- what others ask ---- */

void *participant_owner(const struct participant *p) {
  return p->plan.owner;
}

bool participant_is_ready(const struct participant *p) {
  return p->ready;
}

const char *participant_camera_track(const struct participant *p) {
  return p->camera_track;
}

void participant_set_level(struct participant *p, uint8_t level) {
  media_sender_set_level(p->sender, level);
}

void participant_start_media(struct participant *p, int64_t now_us) {
  if (p->media_on || !p->connected) return;
  p->media_on = true;
  event_loop_relax(p->shared->loop, &p->udp);
  media_sender_start(p->sender, now_us);
  event_loop_set(p->shared->loop, &p->media_timer, media_sender_deadline(p->sender));
}

void participant_stop_media(struct participant *p) {
  event_loop_stop(p->shared->loop, &p->media_timer);
}

void participant_counts(const struct participant *p, struct sequence_counts *into) {
  if (p->receiver) media_receiver_counts(p->receiver, into);
}

void participant_mark(struct participant *p) {
  if (p->receiver) media_receiver_mark(p->receiver);
}

unsigned participant_starved(const struct participant *p, unsigned *assigned, int64_t now_us) {
  return p->receiver ? media_receiver_starved(p->receiver, assigned, now_us) : 0;
}
