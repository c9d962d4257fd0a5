/* ice/sctp_association.h: data channels of one peer: SCTP over DTLS (RFC 8261, RFC 8831) with DCEP (RFC 8832).
 *
 * usrsctp does SCTP, without threads and without sockets: packets come in by sctp_association_receive(), leave by the
 * listener's send_packet, and time comes from sctp_stack_tick(). usrsctp has process-wide state, so there is one
 * `struct sctp_stack` per process and the worker owns it. A channel is named by its stream id.
 *
 * Limits, because a peer may be hostile: 64 KiB a message, 1 MiB queued to a peer, 32 channels, labels of 128 bytes.
 * A peer that breaks DCEP loses the channel, not the association; see enum sctp_drop.
 *
 * Known exceptions to "no clock, no thread", both usrsctp's: timers follow sctp_stack_tick(), but it reads
 * gettimeofday() to measure the round trip, to tell whether a chunk is old enough to be sent again, to age cookies and
 * for timed partial reliability, so a simulation must supply that symbol too (tests/ice/sctp_fixture.h does); and it
 * keeps one thread, which sleeps for ever as address reconfiguration is off.
 */
#ifndef ICE_SCTP_ASSOCIATION_H
#define ICE_SCTP_ASSOCIATION_H

#include <stddef.h>
#include <stdint.h>

#define SCTP_MAX_MESSAGE_BYTES    65536   /* a=max-message-size of our answer (RFC 8841 §6)                 */
#define SCTP_MAX_QUEUED_BYTES     1048576 /* accepted by us, not yet acknowledged by the peer               */
#define SCTP_MAX_QUEUED_MESSAGES  1024    /* the same in messages: tiny ones cost more than their bytes */
#define SCTP_LOW_QUEUED_BYTES     262144  /* queue_low is called when the queue falls to this after a refusal */
#define SCTP_MAX_CHANNELS         32      /* open at the same time, from both sides                         */
#define SCTP_MAX_STREAMS          64      /* stream ids 0…63: one side's parity alone reaches 32 channels   */
#define SCTP_MAX_LABEL_BYTES      128
#define SCTP_MAX_PROTOCOL_BYTES   64
#define SCTP_MAX_ASSOCIATIONS     4096  /* of one stack                                                   */
#define SCTP_TICK_US              10000 /* period of usrsctp's timer wheel                                */
/* Size of one SCTP packet: IPv6's 1280 less IPv6 40, UDP 8 and a DTLS 1.2 AEAD record 37, down to a multiple of 4. */
#define SCTP_DEFAULT_PACKET_BYTES 1192

enum sctp_result {
  SCTP_OK = 0,
  SCTP_BAD_ARGUMENT = -1,  /* unknown channel, label too long, …                                   */
  SCTP_NO_MEMORY = -2,     /* allocation failed, or SCTP_MAX_ASSOCIATIONS reached                  */
  SCTP_NOT_CONNECTED = -3, /* the association is not up (yet, or any more)                         */
  SCTP_NOT_OPEN = -4,      /* the channel is not open, or is closing                               */
  SCTP_TOO_LARGE = -5,     /* the message is over our limit or the peer's a=max-message-size       */
  SCTP_QUEUE_FULL = -6,    /* the message does not fit the queue: nothing was taken; see queue_low */
  SCTP_CHANNEL_LIMIT = -7, /* no free stream id of our parity, or SCTP_MAX_CHANNELS open           */
  SCTP_LIBRARY_ERROR = -8, /* usrsctp refused for a reason of its own                              */
};

/* Reasons for which something of the peer was ignored; counted per association. */
enum sctp_drop {
  SCTP_DROP_PACKET_SIZE = 0,   /* shorter than an SCTP header, or longer than a datagram                 */
  SCTP_DROP_DCEP_MALFORMED,    /* length, message type or channel type wrong: channel reset              */
  SCTP_DROP_DCEP_TOO_LONG,     /* label or protocol over our cap: channel reset                          */
  SCTP_DROP_DCEP_IN_USE,       /* OPEN on a stream that is already a channel: channel closed (RFC 8832 §6) */
  SCTP_DROP_DCEP_PARITY,       /* OPEN on a stream id that only we may choose: stream reset              */
  SCTP_DROP_DCEP_UNEXPECTED,   /* ACK on a channel that awaits none                                      */
  SCTP_DROP_CHANNEL_LIMIT,     /* a 33rd channel: stream reset                                           */
  SCTP_DROP_UNKNOWN_CHANNEL,   /* user data on a stream without a channel                                */
  SCTP_DROP_UNKNOWN_PPID,      /* payload protocol id other than 50, 51, 53, 56, 57                      */
  SCTP_DROP_MESSAGE_TOO_LARGE, /* over SCTP_MAX_MESSAGE_BYTES: channel closed                            */
  SCTP_DROP_MESSAGE_ABORTED,   /* the rest of a partly received message was abandoned by the peer        */
  SCTP_DROP_NO_MEMORY,
  SCTP_DROP_COUNT
};

enum sctp_state {
  SCTP_STATE_NEW = 0, /* before sctp_association_connect()                             */
  SCTP_STATE_CONNECTING,
  SCTP_STATE_CONNECTED,
  SCTP_STATE_CLOSED, /* by the peer, by time-out or restart: final, all channels are gone */
};

enum data_channel_message {
  DATA_CHANNEL_TEXT = 0, /* UTF-8, not checked; PPID 51, empty 56 (RFC 8831 §8) */
  DATA_CHANNEL_BINARY,   /* PPID 53, empty 57                                   */
};

enum data_channel_reliability {
  DATA_CHANNEL_RELIABLE = 0,
  DATA_CHANNEL_MAX_RETRANSMITS, /* reliability_value: number of retransmissions   */
  DATA_CHANNEL_MAX_LIFETIME,    /* reliability_value: milliseconds from the send  */
};

/* Strings are not zero-terminated and valid during the call only. */
struct data_channel_options {
  const char *label;
  size_t label_len;
  const char *protocol;
  size_t protocol_len;
  uint8_t unordered;
  enum data_channel_reliability reliability;
  uint32_t reliability_value;
  uint16_t priority; /* RFC 8831 §6.4: 128 below normal, 256 normal, 512 high, 1024 extra high; informative */
};

struct sctp_stack;
struct sctp_association;

/* Any function may be NULL except send_packet. Only send_packet is called from inside usrsctp: it must encrypt and send
 * and must not call anything of this header. The others may, sctp_association_free() included. */
struct sctp_association_listener {
  /* One SCTP packet for the DTLS association to carry; `data` is valid during the call. */
  void (*send_packet)(const uint8_t *data, size_t len, void *arg);
  void (*state_changed)(enum sctp_state state, void *arg);
  /* The peer opened a channel, and it is already acknowledged, or the peer acknowledged ours. */
  void (*channel_opened)(uint16_t channel, const struct data_channel_options *options, void *arg);
  void (*channel_message)(uint16_t channel, enum data_channel_message kind, const uint8_t *data, size_t len, void *arg);
  /* Once per channel, whoever closed it; its id may be used for a new channel afterwards. */
  void (*channel_closed)(uint16_t channel, void *arg);
  /* After SCTP_QUEUE_FULL: the queue has fallen to SCTP_LOW_QUEUED_BYTES, send again. */
  void (*queue_low)(void *arg);
  void *arg;
};

struct sctp_association_config {
  uint16_t local_port;               /* sctp-port of our SDP; 0 = 5000                                        */
  uint16_t remote_port;              /* sctp-port of the peer's SDP; 0 = 5000                                 */
  uint8_t dtls_client;               /* RFC 8832 §6: the DTLS client opens even stream ids, the server odd    */
  uint16_t packet_bytes;             /* largest SCTP packet to send; 0 = SCTP_DEFAULT_PACKET_BYTES            */
  uint32_t remote_max_message_bytes; /* the peer's a=max-message-size; 0 = 65536 (its default, and our cap) */
};

struct sctp_association_stats {
  uint64_t messages_sent, messages_received, bytes_sent, bytes_received; /* user messages and payload bytes */
  uint64_t drops[SCTP_DROP_COUNT];
  size_t queued_bytes;
  size_t channels;
};

const char *sctp_result_name(int status);
const char *sctp_drop_name(enum sctp_drop reason);

/* --- the process-wide part ------------------------------------------------------------------------------------ */

/* Starts usrsctp. At most one stack per process at a time (SCTP_BAD_ARGUMENT otherwise). */
int sctp_stack_create(struct sctp_stack **out);
/* Every association must have been freed. Stops usrsctp; a stack can be created again afterwards. Accepts NULL. */
void sctp_stack_free(struct sctp_stack *stack);
/* Runs usrsctp's timers and delivers what they caused; call at the deadline. Late calls catch up. */
void sctp_stack_tick(struct sctp_stack *stack, int64_t now_us);
/* When to tick next: SCTP_TICK_US after the last tick while any association lives, else INT64_MAX. */
int64_t sctp_stack_deadline(const struct sctp_stack *stack);

/* --- one association ------------------------------------------------------------------------------------------ */

/* Nothing is sent before sctp_association_connect(). The listener is copied. */
int sctp_association_create(struct sctp_association **out, struct sctp_stack *stack,
                            const struct sctp_association_config *config,
                            const struct sctp_association_listener *listener);
/* Sends an ABORT through send_packet when it was connected, then forgets everything; no event. Accepts NULL. May be
 * called from the listener's functions, except send_packet. */
void sctp_association_free(struct sctp_association *association);

/* Sends INIT; both sides do (RFC 8841 §10), so call it as soon as DTLS is up. Once. */
int sctp_association_connect(struct sctp_association *association);

/* One SCTP packet out of DTLS. Events fire before it returns. Returns SCTP_OK, or SCTP_BAD_ARGUMENT for a packet of
 * impossible size (dropped and counted). Not to be called from the listener. */
int sctp_association_receive(struct sctp_association *association, const uint8_t *data, size_t len);

enum sctp_state sctp_association_state(const struct sctp_association *association);

/* Opens a channel (DCEP OPEN); channel_opened follows when the peer acknowledges, but sending may start at once. */
int sctp_association_open_channel(struct sctp_association *association, const struct data_channel_options *options,
                                  uint16_t *channel);
/* Resets the channel's stream (RFC 8831 §6.7); channel_closed follows when the peer has done the same. */
int sctp_association_close_channel(struct sctp_association *association, uint16_t channel);

/* Queues one message; it is copied. Never blocks. Order and reliability are the channel's. Returns SCTP_OK or
 * SCTP_NOT_CONNECTED, SCTP_NOT_OPEN, SCTP_TOO_LARGE, SCTP_QUEUE_FULL. */
int sctp_association_send(struct sctp_association *association, uint16_t channel, enum data_channel_message kind,
                          const uint8_t *data, size_t len);

/* Bytes accepted and not yet acknowledged or abandoned, all channels together. */
size_t sctp_association_queued_bytes(const struct sctp_association *association);
void sctp_association_get_stats(const struct sctp_association *association, struct sctp_association_stats *stats);

#endif
