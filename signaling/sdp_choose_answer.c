/* signaling/sdp_choose_answer.c: the policy applied to a whole offer. */
#include <string.h>

#include "signaling/sdp_answer.h"
#include "signaling/sdp_choose.h"

#define ID_COUNT 256

/* What earlier sections have used up. */
struct choice {
  const struct sdp_policy *policy;
  size_t audio;
  size_t video;
  const char *uri_of_id[ID_COUNT];
};

static size_t count_strings(const struct sdp_offer *offer) {
  size_t bytes = 0;
  for (size_t i = 0; i < offer->media_count; i++) {
    const struct sdp_media *media = &offer->media[i];
    bytes += 2 * (strlen(media->mid) + 1); /* the data channel's is there twice */
    for (size_t k = 0; k < media->extension_count; k++)
      bytes += strlen(media->extensions[k].uri) + 1;
    for (size_t k = 0; k < media->rid_count; k++)
      bytes += strlen(media->rids[k]) + 1;
  }
  return bytes;
}

/* RFC 8843 §10: within a bundle an id has one meaning; who came first keeps it. */
static void choose_extensions(struct choice *choice, struct sdp_answer_media *m, const struct sdp_media *offered,
                              struct sdp_arena *strings) {
  struct sdp_extension wanted[SDP_MAX_EXTENSIONS];
  size_t n = sdp_choose_extensions(offered, choice->policy, wanted);
  for (size_t i = 0; i < n; i++) {
    const char *used = choice->uri_of_id[wanted[i].id];
    if (used != NULL && strcmp(used, wanted[i].uri) != 0) continue;
    const char *uri = sdp_arena_copy(strings, wanted[i].uri);
    choice->uri_of_id[wanted[i].id] = uri;
    m->extensions[m->extension_count++] = (struct sdp_extension){.id = wanted[i].id, .uri = uri};
  }
}

static void choose_rtp(struct choice *choice, struct sdp_answer_media *m, const struct sdp_media *offered,
                       struct sdp_arena *strings) {
  size_t *used = offered->kind == SDP_AUDIO ? &choice->audio : &choice->video;
  size_t max = offered->kind == SDP_AUDIO ? choice->policy->max_audio : choice->policy->max_video;
  m->pt_count = *used < max ? sdp_choose_codecs(offered, choice->policy, m->pts) : 0;
  if (m->pt_count == 0) return;
  ++*used;
  m->accepted = true;
  m->direction = sdp_choose_direction(offered->direction);
  choose_extensions(choice, m, offered, strings);
  for (size_t i = 0; i < offered->rid_count; i++)
    m->rids[i] = sdp_arena_copy(strings, offered->rids[i]);
  m->rid_count = offered->rid_count;
}

static void choose_data(struct choice *choice, struct sdp_answer *answer, struct sdp_answer_media *m,
                        const struct sdp_offer *offer) {
  if (!choice->policy->data || !offer->sctp.present || strcmp(offer->sctp.mid, m->mid) != 0) return;
  m->accepted = true;
  m->direction = SDP_SENDRECV;
  answer->sctp = (struct sdp_sctp){.present = true,
                                   .port = choice->policy->sctp_port,
                                   .max_message_size = choice->policy->max_message_size,
                                   .mid = m->mid};
}

int sdp_choose_answer(struct sdp_answer **out, const struct sdp_offer *offer, const struct sdp_policy *policy) {
  struct choice choice = {.policy = policy};
  struct sdp_arena strings;
  struct sdp_answer *answer = sdp_answer_new_with(offer->media_count, count_strings(offer), &strings);
  if (answer == NULL) return SDP_ERROR_MEMORY;
  for (size_t i = 0; i < offer->media_count; i++) {
    const struct sdp_media *offered = &offer->media[i];
    struct sdp_answer_media *m = &answer->media[i];
    m->mid = sdp_arena_copy(&strings, offered->mid);
    if (offered->unusable != SDP_USABLE) continue;
    if (offered->kind == SDP_APPLICATION) choose_data(&choice, answer, m, offer);
    if (offered->kind == SDP_AUDIO || offered->kind == SDP_VIDEO) choose_rtp(&choice, m, offered, &strings);
  }
  *out = answer;
  return SDP_OK;
}
