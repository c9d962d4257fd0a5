/* ice/sctp_internal.h: what sctp_stack.c, sctp_association.c and sctp_channels.c share. */
#ifndef ICE_SCTP_INTERNAL_H
#define ICE_SCTP_INTERNAL_H

#include <usrsctp.h>

#include "ice/dcep.h"
#include "ice/sctp_association.h"

struct sctp_stack {
  struct sctp_association *associations[SCTP_MAX_ASSOCIATIONS]; /* by slot; NULL = free */
  size_t count;
  size_t next_slot;
  uint32_t generation; /* makes ids unique, so that a packet of a dead association finds nobody */
  struct sctp_association *ready, *ready_tail; /* have something to drain; first come, first served */
  int64_t last_tick_us;                        /* -1: no tick since the stack became busy */
};

enum channel_state {
  CHANNEL_FREE = 0,
  CHANNEL_OPENING, /* our OPEN is not acknowledged yet; sending is allowed */
  CHANNEL_OPEN,
  CHANNEL_CLOSING, /* at least one direction is being reset */
};

struct sctp_channel {
  enum channel_state state;
  uint8_t unordered;
  enum data_channel_reliability reliability;
  uint32_t reliability_value;
  uint8_t ack_wanted;   /* DCEP ACK still to be sent: the queue was full */
  uint8_t reset_wanted; /* our outgoing stream has to be reset; also set on streams without a channel */
  uint8_t reset_asked;  /* usrsctp has taken the request; it answers by an event */
  uint8_t reset_again;  /* closed while the reset of this id's last channel was under way: one more is needed */
  uint8_t reset_tries;
  uint8_t reset_out, reset_in; /* that direction has been reset */
  uint8_t *open_message;       /* ours while OPENING: the OPEN sent, for the event */
  size_t open_len;
};

/* Something usrsctp has delivered and the listener has not seen yet. At most a receive window of them. */
struct sctp_delivery {
  struct sctp_delivery *next;
  void *data;
  size_t len;
  struct sctp_rcvinfo info;
  int flags;
};

struct sctp_association {
  struct sctp_stack *stack;
  struct socket *socket; /* NULL once closed */
  uintptr_t id;
  struct sctp_association_config config;
  struct sctp_association_listener listener;
  enum sctp_state state;
  uint16_t stream_count;         /* usable in both directions, once connected */
  struct sctp_channel *channels; /* by stream, up to the highest that was ever used; moves when it grows */
  uint16_t channel_room;
  size_t channel_count;
  size_t queued_bytes;
  uint32_t offset; /* bytes ever queued, modulo 2^32 */
  size_t message_count, oldest_message, message_room;
  uint32_t *message_ends; /* ring, grows to SCTP_MAX_QUEUED_MESSAGES: offset after each message not acknowledged yet */
  uint8_t queue_refused;  /* queue_low is due when the queue has fallen */
  uint8_t work_pending;   /* an ACK or a reset waits for the next tick */
  uint8_t is_ready, draining, freed;
  struct sctp_association *next_ready;
  struct sctp_delivery *deliveries, *last_delivery;
  /* A message of which usrsctp delivers parts: never interleaved with another one (SCTP_FRAGMENT_INTERLEAVE 0). */
  uint8_t *partial;
  size_t partial_len;
  uint8_t partial_too_large;
  struct sctp_association_stats stats;
};

/* sctp_stack.c */
int sctp_stack_add(struct sctp_stack *stack, struct sctp_association *a); /* sets a->id */
void sctp_stack_remove(struct sctp_stack *stack, struct sctp_association *a);
struct sctp_association *sctp_stack_find(const struct sctp_stack *stack, uintptr_t id); /* NULL = gone */
void sctp_stack_mark_ready(struct sctp_association *a);
struct sctp_stack *sctp_stack_running(void); /* the process's stack, for usrsctp's callbacks */

/* sctp_association.c */
void sctp_association_drain(struct sctp_association *a); /* may free `a` */
/* One message by its PPID; DCEP is always ordered and reliable. SCTP_OK, SCTP_QUEUE_FULL, SCTP_LIBRARY_ERROR. */
int sctp_association_send_raw(struct sctp_association *a, uint16_t stream, uint32_t ppid, const void *data, size_t len);

/* sctp_channels.c */
void sctp_channels_receive(struct sctp_association *a, uint16_t stream, uint32_t ppid, const uint8_t *data, size_t len);
void sctp_channels_stream_reset(struct sctp_association *a, const struct sctp_stream_reset_event *event, size_t len);
void sctp_channels_close(struct sctp_association *a, uint16_t stream);
void sctp_channels_service(struct sctp_association *a); /* retries what could not be sent */
void sctp_channels_free(struct sctp_association *a);

#endif
