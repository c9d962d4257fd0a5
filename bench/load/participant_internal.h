/* bench/load/participant_internal.h: the structure that participant.c and participant_*.c share. */
#ifndef BENCH_LOAD_PARTICIPANT_INTERNAL_H
#define BENCH_LOAD_PARTICIPANT_INTERNAL_H

#include <jansson.h>
#include <netinet/in.h>

#include "bench/load/data_channels.h"
#include "bench/load/media_receiver.h"
#include "bench/load/participant.h"

/* Request ids are their kinds: each is sent once, but for view. */
enum request_id { REQUEST_HELLO = 1, REQUEST_JOIN, REQUEST_OFFER, REQUEST_PUBLISH, REQUEST_VIEW, REQUEST_LEAVE };

struct participant {
  struct participant_shared *shared;
  struct participant_plan plan;
  struct web_client *web;
  struct loop_watch udp; /* fd -1: none */
  struct loop_timer media_timer, service_timer;
  struct transport *transport;
  struct media_sender *sender;
  struct media_receiver *receiver;
  struct data_channels *data; /* NULL: none, or not yet */
  uint16_t sctp_port;         /* of the answer; 0: none */
  struct srtp_sender *srtp_senders[MEDIA_STREAMS];
  char *token;
  char *offer; /* SDP, until it is sent */
  int64_t opened_us;
  int64_t report_due_us;
  uint32_t own_ssrc;
  uint32_t kernel_drops_seen;
  uint64_t assigned_mids; /* bits: slots that the server says carry a track */
  const char *failure;    /* static words, with `failed` */
  bool joining, connected, published, ready, first_media, failed, media_on;
  struct {
    json_int_t session, handle;
    struct loop_timer ask_timer;
  } janus;
  char camera_track[SIGNALING_IDENTIFIER_BYTES + 1];
};

/* Ends the participant with a reason in words; the listener frees it, so `p` is gone afterwards. */
__attribute__((format(printf, 2, 3))) void participant_fail(struct participant *p, const char *format, ...);
/* Connected and published: tells the listener, once. `p` may be gone afterwards. */
void participant_check_ready(struct participant *p, int64_t now_us);

/* signaling */
int participant_fetch_token(struct participant *p);
int participant_open_signaling(struct participant *p);
/* Without it the place in the room is kept for the resume window. Does nothing before the join. */
void participant_say_leave(struct participant *p);
void participant_plan_offer(const struct participant *p, struct offer_plan *out);

/* participant_janus.c: the same with Janus */
int participant_janus_open(struct participant *p);
void participant_janus_ask_again(void *arg, int64_t now_us);

/* media */
bool participant_connect_media(struct participant *p, const struct answer *answer, int64_t now_us);
void participant_media_connected(struct participant *p, int64_t now_us);
void participant_service(void *arg, int64_t now_us);
void participant_run_media(void *arg, int64_t now_us);
void participant_send_datagram(void *arg, const uint8_t *data, size_t len);

/* data channels: nothing without an answer that has them */
void participant_open_data(struct participant *p, int64_t now_us);
void participant_receive_data(void *arg, const uint8_t *data, size_t len);

#endif
