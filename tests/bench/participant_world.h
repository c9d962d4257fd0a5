/* tests/bench/participant_world.h: one participant, a scripted signaling server, and the product's own transport at the other
 * end of a real UDP socket on the loopback interface; in virtual time. */
#ifndef TESTS_BENCH_PARTICIPANT_WORLD_H
#define TESTS_BENCH_PARTICIPANT_WORLD_H

#include "bench/load/participant.h"
#include "ice/peer_transport.h"
#include "tests/bench/check.h"
#include "tests/bench/scripted_web.h"
#include "tests/bench/srtp_pair.h"
#include "tests/bench/virtual_loop.h"

#define SLOT_VOICE  500u
#define SLOT_CAMERA 600u
#define SLOT_REPAIR 601u

struct world {
  struct participant_shared shared;
  struct load_counters counters;
  struct web_address gateway;
  struct participant_plan plan;
  struct participant *p;
  /* the server */
  struct peer_transport_context *context;
  struct peer_transport *server;
  struct loop_watch watch;
  struct loop_timer timer;
  struct ice_address client;
  uint16_t port;
  /* what was seen */
  unsigned ready, first_media, failed;
  char why[PARTICIPANT_WORDS_BYTES];
  unsigned rtp, rtcp, channels, messages;
  struct {
    uint8_t data[1500];
    size_t len;
  } last_rtp, last_rtcp;
  uint32_t ssrcs[8]; /* of the packets that came, in the order of their first */
  unsigned ssrc_count, voice_packets;
};

extern struct world world;

int world_set_up(void **state);
int world_tear_down(void **state);

/* Makes the participant of world.plan: 0, or what participant_create() said. */
int world_create(void);
/* The server's answer to the offer that was sent, as JSON text: slots with the SSRCs above. */
const char *world_answer_sdp(void);
/* Made, with a token, and the WebSocket is open. */
void world_sign_in(void);
/* The server's reply to its publish: t_mic and t_cam. */
void world_publish(void);
/* All of it, until it is connected and ready. */
void world_join(void);
void world_run(int64_t us);

/* From the server to the participant. */
void world_send_rtp(const struct sent_packet *packet);
void world_send_rtcp(const uint8_t *compound, size_t len);

#endif
