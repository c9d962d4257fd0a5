/* bench/load/participant.h: one emulated participant: token → WebSocket → hello, join, offer, publish → ICE, DTLS → media.
 *
 * Thousands of them share a struct participant_shared. A participant never allocates or formats anything per packet.
 */
#ifndef BENCH_LOAD_PARTICIPANT_H
#define BENCH_LOAD_PARTICIPANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/load/counters.h"
#include "bench/load/event_loop.h"
#include "bench/load/media_sender.h"
#include "bench/load/sequence_tracker.h"
#include "bench/load/transport.h"
#include "bench/load/web_client.h"
#include "ice/address.h"
#include "ice/sctp_association.h"
#include "signaling/token.h"

#define PARTICIPANT_WORDS_BYTES 200

struct participant;

/* Called from the loop; the participant may be freed from within `ready` and `failed`. */
struct participant_listener {
  void *arg;
  void (*ready)(void *arg, struct participant *p, int64_t now_us);       /* published and connected      */
  void (*first_media)(void *arg, struct participant *p, int64_t now_us); /* the first key frame is whole */
  void (*failed)(void *arg, struct participant *p, const char *why);     /* it is over; free it          */
};

struct participant_shared {
  struct event_loop *loop;
  struct transport_context *transport;
  struct load_counters *counters;
  const struct web_address *gateway;
  struct participant_listener listener;
  struct ice_address media; /* set: where media goes instead of the server's candidate */
  /* Tokens: minted with `key`, or, when it is empty, asked of /dev/token. */
  struct token_key key;
  int receive_buffer_bytes;
  int64_t clock_offset_us; /* CLOCK_REALTIME - CLOCK_MONOTONIC; the run keeps it fresh */
  struct sctp_stack *sctp; /* NULL: no data channels */
  struct loop_timer sctp_timer;
  uint32_t window; /* number of the measurement that messages belong to */
};

/* What a receiver of Janus subscribes to: one feed's microphone, camera, or both. */
#define JANUS_SUBSCRIPTIONS 48
struct janus_subscription {
  unsigned feed;
  bool audio, video;
};

struct participant_plan {
  char room[SIGNALING_IDENTIFIER_BYTES + 1];
  char identity[SIGNALING_IDENTIFIER_BYTES + 1];
  const char *role;
  struct media_plan media; /* SSRCs are filled in here */
  unsigned audio_slots, video_slots;
  bool sampled;
  bool data; /* opens the two data channels of PROTOCOL.md §11 */
  uint32_t seed;
  struct {
    unsigned room;  /* 0: this is no participant of Janus */
    unsigned feed;  /* its own number, when it sends      */
    unsigned count; /* 0: it sends, else it receives      */
    struct janus_subscription from[JANUS_SUBSCRIPTIONS];
  } janus;
  void *owner; /* for the listener: participant_owner() */
};

/* Starts it. 0, or -errno (EMFILE: no file descriptors left). */
int participant_create(struct participant **out, struct participant_shared *shared,
                       const struct participant_plan *plan);
/* Leaves politely as far as that needs no answer (DTLS and WebSocket close), and frees. Accepts NULL. */
void participant_free(struct participant *p);

void *participant_owner(const struct participant *p);
bool participant_is_ready(const struct participant *p);
const char *participant_camera_track(const struct participant *p); /* "" before it is published */

/* Holds all media back until participant_start_media() when `hold`. */
void participant_start_media(struct participant *p, int64_t now_us);
void participant_stop_media(struct participant *p);
void participant_set_level(struct participant *p, uint8_t level);

struct participant_view {
  const char *track;
  unsigned width, height;
};
/* `view`: what of others is on our screen; everything else is not sent. */
void participant_view(struct participant *p, const struct participant_view *views, size_t count);

/* ---- data channels ---- */

bool participant_has_data(const struct participant *p); /* both channels are open */
/* A small message to everybody in the room, stamped. False when it could not be queued. */
bool participant_say(struct participant *p, int64_t now_us);

/* ---- counts ---- */

void participant_counts(const struct participant *p, struct sequence_counts *into);
void participant_mark(struct participant *p);
unsigned participant_starved(const struct participant *p, unsigned *assigned, int64_t now_us);

#endif
