/* ice/sctp_channels.c: data channels of one association: DCEP, their states, closing by stream reset.
 *
 * A channel closes when both directions of its stream have been reset (RFC 8831 §6.7); whoever begins, the other side
 * resets its own outgoing stream when it sees the incoming one reset. */
#include <stdlib.h>
#include <string.h>

#include "ice/sctp_internal.h"

/* Ticks for which a refused stream reset is tried again before it counts as done. */
#define MAX_RESET_TRIES 20
/* Most peers open two channels, on the streams 0 and 2. */
#define FIRST_CHANNELS  4

static void count_drop(struct sctp_association *a, enum sctp_drop reason) {
  a->stats.drops[reason]++;
}

/* A place for the stream's channel. False: no memory. */
static int make_room(struct sctp_association *a, uint16_t stream) {
  if (stream < a->channel_room) return 1;
  uint16_t room = a->channel_room ? a->channel_room : FIRST_CHANNELS;
  while (room <= stream)
    room = (uint16_t)(room * 2);
  struct sctp_channel *grown = realloc(a->channels, room * sizeof *grown);
  if (grown == NULL) return 0;
  memset(grown + a->channel_room, 0, (size_t)(room - a->channel_room) * sizeof *grown);
  a->channels = grown;
  a->channel_room = room;
  return 1;
}

static int is_live(const struct sctp_channel *c) {
  return c->state == CHANNEL_OPENING || c->state == CHANNEL_OPEN;
}

static void forget_open_message(struct sctp_channel *c) {
  free(c->open_message);
  c->open_message = NULL;
}

/* Asks usrsctp to reset our direction of the stream; what is queued on it goes out first. */
static void request_reset(struct sctp_association *a, uint16_t stream) {
  struct sctp_channel *c = &a->channels[stream];
  uint32_t request[(sizeof(struct sctp_reset_streams) + sizeof stream + 3) / 4] = {0};
  struct sctp_reset_streams *head = (struct sctp_reset_streams *)request;
  head->srs_flags = SCTP_STREAM_RESET_OUTGOING;
  head->srs_number_streams = 1;
  head->srs_stream_list[0] = stream;
  c->reset_wanted = 1;
  if (usrsctp_setsockopt(a->socket, IPPROTO_SCTP, SCTP_RESET_STREAMS, request,
                         (socklen_t)(sizeof *head + sizeof stream)) == 0) {
    c->reset_asked = 1;
  } else {
    a->work_pending = 1; /* another request is on its way: RFC 6525 §4.1 allows one at a time */
  }
}

/* The channel is over; what is still under way on its stream stays noted. */
static void end_channel(struct sctp_association *a, uint16_t stream) {
  struct sctp_channel *c = &a->channels[stream];
  struct sctp_channel rest = {.reset_wanted = c->reset_wanted, .reset_asked = c->reset_asked};
  *c = rest;
  a->channel_count--;
  if (a->listener.channel_closed) a->listener.channel_closed(stream, a->listener.arg);
}

static void finish_if_reset(struct sctp_association *a, uint16_t stream) {
  const struct sctp_channel *c = &a->channels[stream];
  if (c->state == CHANNEL_CLOSING && c->reset_in && c->reset_out) end_channel(a, stream);
}

void sctp_channels_close(struct sctp_association *a, uint16_t stream) {
  struct sctp_channel *c = &a->channels[stream];
  if (!is_live(c)) return;
  forget_open_message(c);
  c->state = CHANNEL_CLOSING;
  c->ack_wanted = 0;
  if (c->reset_wanted)
    c->reset_again = 1; /* that one is of the channel before this one */
  else
    request_reset(a, stream);
}

static void send_ack(struct sctp_association *a, uint16_t stream) {
  static const uint8_t ack = DCEP_MESSAGE_ACK;
  /* Refused when the queue is full, and while a reset of the channel before this one is under way. */
  a->channels[stream].ack_wanted = sctp_association_send_raw(a, stream, SCTP_PPID_DCEP, &ack, sizeof ack) != SCTP_OK;
  if (a->channels[stream].ack_wanted) a->work_pending = 1;
}

static void announce_open(struct sctp_association *a, uint16_t stream, const struct data_channel_options *options) {
  if (a->listener.channel_opened) a->listener.channel_opened(stream, options, a->listener.arg);
}

static void receive_open(struct sctp_association *a, uint16_t stream, const uint8_t *data, size_t len) {
  struct sctp_channel *c = &a->channels[stream];
  struct data_channel_options options;
  int rc = dcep_parse_open(data, len, &options);
  /* A peer may use the id again once it has seen our reset, which we learn later when its answer was lost. */
  if (c->state == CHANNEL_CLOSING && c->reset_in) end_channel(a, stream);
  if (a->freed) return;
  c = &a->channels[stream]; /* the listener may have opened one */
  if (c->state != CHANNEL_FREE) {
    count_drop(a, SCTP_DROP_DCEP_IN_USE);
    sctp_channels_close(a, stream);
    return;
  }
  /* RFC 8832 §6: "the side acting as the DTLS client MUST use Stream Identifiers ... even, ... the server ... odd". */
  enum sctp_drop refusal = rc == SCTP_BAD_ARGUMENT                             ? SCTP_DROP_DCEP_MALFORMED
                           : rc == SCTP_TOO_LARGE                              ? SCTP_DROP_DCEP_TOO_LONG
                           : (stream % 2 == 0) == (a->config.dtls_client != 0) ? SCTP_DROP_DCEP_PARITY
                           : a->channel_count == SCTP_MAX_CHANNELS             ? SCTP_DROP_CHANNEL_LIMIT
                                                                               : SCTP_DROP_COUNT;
  if (refusal != SCTP_DROP_COUNT) {
    count_drop(a, refusal);
    if (!c->reset_wanted) request_reset(a, stream);
    return;
  }
  c->state = CHANNEL_OPEN;
  c->unordered = options.unordered;
  c->reliability = options.reliability;
  c->reliability_value = options.reliability_value;
  a->channel_count++;
  send_ack(a, stream);
  announce_open(a, stream, &options);
}

/* The peer has acknowledged our OPEN, by an ACK or by its first message. */
static void complete_open(struct sctp_association *a, uint16_t stream) {
  struct sctp_channel *c = &a->channels[stream];
  struct data_channel_options options;
  uint8_t *message = c->open_message;
  c->open_message = NULL;
  c->state = CHANNEL_OPEN;
  if (dcep_parse_open(message, c->open_len, &options) == SCTP_OK) announce_open(a, stream, &options);
  free(message);
}

static void receive_dcep(struct sctp_association *a, uint16_t stream, const uint8_t *data, size_t len) {
  struct sctp_channel *c = &a->channels[stream];
  switch (dcep_message_type(data, len)) {
    case DCEP_MESSAGE_OPEN:
      receive_open(a, stream, data, len);
      return;
    case DCEP_MESSAGE_ACK:
      if (c->state == CHANNEL_OPENING)
        complete_open(a, stream);
      else
        count_drop(a, SCTP_DROP_DCEP_UNEXPECTED);
      return;
    case DCEP_MESSAGE_INVALID:
      break;
  }
  count_drop(a, SCTP_DROP_DCEP_MALFORMED);
  if (is_live(c))
    sctp_channels_close(a, stream);
  else if (c->state == CHANNEL_FREE && !c->reset_wanted)
    request_reset(a, stream);
}

void sctp_channels_receive(struct sctp_association *a, uint16_t stream, uint32_t ppid, const uint8_t *data,
                           size_t len) {
  if (stream >= SCTP_MAX_STREAMS) {
    count_drop(a, SCTP_DROP_UNKNOWN_CHANNEL);
    return;
  }
  if (!make_room(a, stream)) {
    count_drop(a, SCTP_DROP_NO_MEMORY);
    return;
  }
  enum data_channel_message kind = DATA_CHANNEL_BINARY;
  switch (ppid) {
    case SCTP_PPID_DCEP:
      receive_dcep(a, stream, data, len);
      return;
    case SCTP_PPID_STRING:
      kind = DATA_CHANNEL_TEXT;
      break;
    case SCTP_PPID_BINARY:
      break;
    /* RFC 8831 §6.6: an empty message is sent as one byte that the receiver ignores. */
    case SCTP_PPID_STRING_EMPTY:
      kind = DATA_CHANNEL_TEXT;
      len = 0;
      break;
    case SCTP_PPID_BINARY_EMPTY:
      len = 0;
      break;
    default:
      count_drop(a, SCTP_DROP_UNKNOWN_PPID);
      return;
  }
  if (a->channels[stream].state == CHANNEL_OPENING) complete_open(a, stream);
  if (a->freed || a->channels[stream].state != CHANNEL_OPEN) {
    count_drop(a, SCTP_DROP_UNKNOWN_CHANNEL);
    return;
  }
  a->stats.messages_received++;
  a->stats.bytes_received += len;
  if (a->listener.channel_message) a->listener.channel_message(stream, kind, data, len, a->listener.arg);
}

static void incoming_reset(struct sctp_association *a, uint16_t stream) {
  struct sctp_channel *c = &a->channels[stream];
  if (c->state == CHANNEL_FREE) return;
  c->reset_in = 1;
  if (is_live(c)) sctp_channels_close(a, stream);
  finish_if_reset(a, stream);
}

/* Our request has been answered. A refusal (the peer was busy with another one) is repeated a few times. */
static void outgoing_reset(struct sctp_association *a, uint16_t stream, int refused) {
  struct sctp_channel *c = &a->channels[stream];
  if (!c->reset_asked) return;
  c->reset_asked = 0;
  if (refused && ++c->reset_tries < MAX_RESET_TRIES) {
    a->work_pending = 1;
    return;
  }
  c->reset_wanted = c->reset_tries = 0;
  if (c->reset_again) {
    c->reset_again = 0;
    request_reset(a, stream);
  } else if (c->state == CHANNEL_CLOSING) {
    c->reset_out = 1;
    finish_if_reset(a, stream);
  }
}

void sctp_channels_stream_reset(struct sctp_association *a, const struct sctp_stream_reset_event *event, size_t len) {
  size_t count = (len - sizeof *event) / sizeof event->strreset_stream_list[0];
  int incoming = (event->strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN) != 0;
  int outgoing = (event->strreset_flags & SCTP_STREAM_RESET_OUTGOING_SSN) != 0;
  int refused = (event->strreset_flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED)) != 0;
  /* RFC 6525 §4.1: no list means all streams. */
  size_t n = count == 0 ? a->channel_room : count;
  for (size_t i = 0; i < n && !a->freed; i++) {
    uint16_t stream = count == 0 ? (uint16_t)i : event->strreset_stream_list[i];
    if (stream < a->channel_room && incoming && !refused) incoming_reset(a, stream);
    if (stream < a->channel_room && outgoing) outgoing_reset(a, stream, refused);
  }
}

void sctp_channels_service(struct sctp_association *a) {
  if (!a->work_pending || a->state != SCTP_STATE_CONNECTED) return;
  a->work_pending = 0;
  for (uint16_t i = 0; i < a->channel_room; i++) {
    if (a->channels[i].ack_wanted) send_ack(a, i);
    if (a->channels[i].reset_wanted && !a->channels[i].reset_asked) request_reset(a, i);
  }
}

void sctp_channels_free(struct sctp_association *a) {
  for (size_t i = 0; i < a->channel_room; i++)
    forget_open_message(&a->channels[i]);
  free(a->channels);
  a->channels = NULL;
  a->channel_room = 0;
  a->channel_count = 0;
}

int sctp_association_open_channel(struct sctp_association *a, const struct data_channel_options *options,
                                  uint16_t *channel) {
  uint8_t message[DCEP_MAX_OPEN_BYTES];
  size_t len = dcep_write_open(options, message);
  if (len == 0) return SCTP_BAD_ARGUMENT;
  if (a->state != SCTP_STATE_CONNECTED) return SCTP_NOT_CONNECTED;
  if (a->channel_count == SCTP_MAX_CHANNELS) return SCTP_CHANNEL_LIMIT;
  uint16_t stream = a->config.dtls_client ? 0 : 1;
  while (stream < a->stream_count && stream < a->channel_room &&
         (a->channels[stream].state != CHANNEL_FREE || a->channels[stream].reset_wanted))
    stream = (uint16_t)(stream + 2);
  if (stream >= a->stream_count) return SCTP_CHANNEL_LIMIT;
  if (!make_room(a, stream)) return SCTP_NO_MEMORY;

  struct sctp_channel *c = &a->channels[stream];
  uint8_t *copy = malloc(len);
  if (copy == NULL) return SCTP_NO_MEMORY;
  int rc = sctp_association_send_raw(a, stream, SCTP_PPID_DCEP, message, len);
  if (rc != SCTP_OK) {
    free(copy);
    return rc;
  }
  memcpy(copy, message, len);
  c->state = CHANNEL_OPENING;
  c->unordered = options->unordered;
  c->reliability = options->reliability;
  c->reliability_value = options->reliability_value;
  c->open_message = copy;
  c->open_len = len;
  a->channel_count++;
  *channel = stream;
  return SCTP_OK;
}

int sctp_association_close_channel(struct sctp_association *a, uint16_t channel) {
  if (a->state != SCTP_STATE_CONNECTED) return SCTP_NOT_CONNECTED;
  if (channel >= a->channel_room || !is_live(&a->channels[channel])) return SCTP_NOT_OPEN;
  sctp_channels_close(a, channel);
  return SCTP_OK;
}
