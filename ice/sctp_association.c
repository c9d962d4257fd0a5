/* ice/sctp_association.c: one usrsctp socket per peer: set up, packets in, messages and notifications out, sending.
 *
 * usrsctp's callbacks (output, receive, send space) run inside its locks and only take notes. Events are delivered by
 * sctp_association_drain(), outside of usrsctp, after a packet came in or a tick ran: there the listener may do
 * anything, even free the association.
 */
#include "ice/sctp_association.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ice/sctp_internal.h"

#define DEFAULT_PORT          5000 /* RFC 8841 §4.1: what every browser uses */
/* Receive window: four of the largest messages; what a peer can make us hold. */
#define RECEIVE_BUFFER_BYTES  (4 * SCTP_MAX_MESSAGE_BYTES)
#define SCTP_HEADER_BYTES     12
#define MAX_INPUT_BYTES       2048
#define FIRST_QUEUED_MESSAGES 16
/* RFC 9260 §16 gives 1 s, 1 s and 60 s; browsers' networks are quicker, and ICE consent ends a dead path in 30 s. */
#define RTO_INITIAL_MS        1000
#define RTO_MIN_MS            250
#define RTO_MAX_MS            10000

/* --- inside usrsctp: take notes only --------------------------------------------------------------------------- */

/* usrsctp hands over `data`, allocated by malloc(): a message, a piece of one, or a notification. */
static int on_receive(struct socket *socket, union sctp_sockstore from, void *data, size_t len,
                      struct sctp_rcvinfo info, int flags, void *arg) {
  (void)socket;
  (void)from;
  struct sctp_stack *stack = sctp_stack_running();
  struct sctp_association *a = stack ? sctp_stack_find(stack, (uintptr_t)arg) : NULL;
  struct sctp_delivery *d = a && data ? malloc(sizeof *d) : NULL;
  if (d == NULL) {
    if (a && data) a->stats.drops[SCTP_DROP_NO_MEMORY]++;
    free(data);
    return 1;
  }
  *d = (struct sctp_delivery){.data = data, .len = len, .info = info, .flags = flags};
  *(a->last_delivery ? &a->last_delivery->next : &a->deliveries) = d;
  a->last_delivery = d;
  sctp_stack_mark_ready(a);
  return 1;
}

static int on_send_space(struct socket *socket, uint32_t free_bytes, void *arg) {
  (void)socket;
  struct sctp_stack *stack = sctp_stack_running();
  struct sctp_association *a = stack ? sctp_stack_find(stack, (uintptr_t)arg) : NULL;
  if (a == NULL) return 0;
  a->queued_bytes = free_bytes >= SCTP_MAX_QUEUED_BYTES ? 0 : SCTP_MAX_QUEUED_BYTES - free_bytes;
  if (a->queue_refused && a->queued_bytes <= SCTP_LOW_QUEUED_BYTES) sctp_stack_mark_ready(a);
  return 1;
}

/* --- set up ----------------------------------------------------------------------------------------------------- */

static int set_option(struct socket *s, int level, int name, const void *value, size_t len) {
  return usrsctp_setsockopt(s, level, name, value, (socklen_t)len) == 0;
}

static int set_int(struct socket *s, int level, int name, int value) {
  return set_option(s, level, name, &value, sizeof value);
}

static int subscribe(struct socket *s) {
  static const uint16_t types[] = {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT, SCTP_PARTIAL_DELIVERY_EVENT};
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    struct sctp_event event = {.se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = types[i], .se_on = 1};
    if (!set_option(s, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event)) return 0;
  }
  return 1;
}

static int configure_socket(struct socket *s, uint16_t packet_bytes) {
  struct linger abort_on_close = {.l_onoff = 1, .l_linger = 0};
  struct sctp_assoc_value resets = {.assoc_id = SCTP_FUTURE_ASSOC, .assoc_value = SCTP_ENABLE_RESET_STREAM_REQ};
  struct sctp_initmsg init = {.sinit_num_ostreams = SCTP_MAX_STREAMS, .sinit_max_instreams = SCTP_MAX_STREAMS};
  struct sctp_rtoinfo rto = {.srto_initial = RTO_INITIAL_MS, .srto_min = RTO_MIN_MS, .srto_max = RTO_MAX_MS};
  /* RFC 8831 §5: no path MTU discovery below us; ICE consent (RFC 7675) watches the path instead of heartbeats.
   * usrsctp counts the path MTU of AF_CONN without the common header. */
  struct sctp_paddrparams path = {.spp_flags = SPP_PMTUD_DISABLE | SPP_HB_DISABLE,
                                  .spp_pathmtu = packet_bytes - SCTP_HEADER_BYTES};
  return usrsctp_set_non_blocking(s, 1) == 0 &&
         set_option(s, SOL_SOCKET, SO_LINGER, &abort_on_close, sizeof abort_on_close) &&
         set_int(s, SOL_SOCKET, SO_SNDBUF, SCTP_MAX_QUEUED_BYTES) &&
         set_int(s, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES) && set_int(s, IPPROTO_SCTP, SCTP_NODELAY, 1) &&
         set_int(s, IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, 0) &&
         set_int(s, IPPROTO_SCTP, SCTP_PARTIAL_DELIVERY_POINT, SCTP_MAX_MESSAGE_BYTES) &&
         set_option(s, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &resets, sizeof resets) &&
         set_option(s, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init) &&
         set_option(s, IPPROTO_SCTP, SCTP_RTOINFO, &rto, sizeof rto) &&
         set_option(s, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof path) && subscribe(s);
}

static struct sockaddr_conn address_of(const struct sctp_association *a, uint16_t port) {
  struct sockaddr_conn address;
  memset(&address, 0, sizeof address);
  address.sconn_family = AF_CONN;
  address.sconn_port = (uint16_t)(port >> 8 | port << 8);
  address.sconn_addr = (void *)a->id; /* NOLINT(performance-no-int-to-ptr): usrsctp's opaque id is typed as a pointer */
  return address;
}

static int open_socket(struct sctp_association *a) {
  struct sockaddr_conn local = address_of(a, a->config.local_port);
  usrsctp_register_address(local.sconn_addr);
  a->socket = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, on_receive, on_send_space, 0, local.sconn_addr);
  if (a->socket == NULL || !configure_socket(a->socket, a->config.packet_bytes) ||
      usrsctp_bind(a->socket, (struct sockaddr *)&local, sizeof local) != 0)
    return SCTP_LIBRARY_ERROR;
  return SCTP_OK;
}

static void close_socket(struct sctp_association *a) {
  if (a->socket == NULL) return;
  usrsctp_close(a->socket);                  /* linger 0: sends an ABORT when there is somebody to tell */
  usrsctp_deregister_address((void *)a->id); /* NOLINT(performance-no-int-to-ptr) */
  a->socket = NULL;
}

int sctp_association_create(struct sctp_association **out, struct sctp_stack *stack,
                            const struct sctp_association_config *config,
                            const struct sctp_association_listener *listener) {
  if (listener->send_packet == NULL) return SCTP_BAD_ARGUMENT;
  struct sctp_association *a = calloc(1, sizeof *a);
  if (a == NULL) return SCTP_NO_MEMORY;
  a->stack = stack;
  a->config = *config;
  a->listener = *listener;
  if (a->config.local_port == 0) a->config.local_port = DEFAULT_PORT;
  if (a->config.remote_port == 0) a->config.remote_port = DEFAULT_PORT;
  if (a->config.packet_bytes == 0) a->config.packet_bytes = SCTP_DEFAULT_PACKET_BYTES;
  /* RFC 8841 §6.1: "If the SDP 'max-message-size' attribute is not present, the default value is 64K". */
  if (a->config.remote_max_message_bytes == 0 || a->config.remote_max_message_bytes > SCTP_MAX_MESSAGE_BYTES)
    a->config.remote_max_message_bytes = SCTP_MAX_MESSAGE_BYTES;
  int rc = sctp_stack_add(stack, a);
  if (rc != SCTP_OK) {
    free(a);
    return rc;
  }
  rc = open_socket(a);
  if (rc != SCTP_OK) {
    sctp_association_free(a);
    return rc;
  }
  *out = a;
  return SCTP_OK;
}

static void destroy(struct sctp_association *a) {
  for (struct sctp_delivery *d = a->deliveries, *next; d != NULL; d = next) {
    next = d->next;
    free(d->data);
    free(d);
  }
  free(a->partial);
  free(a->message_ends);
  free(a);
}

void sctp_association_free(struct sctp_association *a) {
  if (a == NULL || a->freed) return;
  a->freed = 1;
  close_socket(a);
  sctp_channels_free(a);
  sctp_stack_remove(a->stack, a);
  if (!a->draining) destroy(a); /* else drain does it, when it comes back from the listener */
}

int sctp_association_connect(struct sctp_association *a) {
  struct sockaddr_conn remote = address_of(a, a->config.remote_port);
  if (a->state != SCTP_STATE_NEW) return SCTP_BAD_ARGUMENT;
  if (usrsctp_connect(a->socket, (struct sockaddr *)&remote, sizeof remote) != 0 && errno != EINPROGRESS)
    return SCTP_LIBRARY_ERROR;
  a->state = SCTP_STATE_CONNECTING;
  return SCTP_OK;
}

/* --- what usrsctp has for us ------------------------------------------------------------------------------------ */

static void change_state(struct sctp_association *a, enum sctp_state state) {
  if (a->state == state || a->state == SCTP_STATE_CLOSED) return;
  a->state = state;
  if (state == SCTP_STATE_CLOSED) {
    close_socket(a);
    sctp_channels_free(a);
    a->queued_bytes = 0;
  }
  if (a->listener.state_changed) a->listener.state_changed(state, a->listener.arg);
}

static void receive_notification(struct sctp_association *a, const uint8_t *data, size_t len) {
  const union sctp_notification *n = (const union sctp_notification *)(const void *)data;
  if (len < sizeof n->sn_header || n->sn_header.sn_length != len) return;
  switch (n->sn_header.sn_type) {
    case SCTP_ASSOC_CHANGE:
      if (len < sizeof n->sn_assoc_change) return;
      if (n->sn_assoc_change.sac_state == SCTP_COMM_UP) {
        uint16_t out = n->sn_assoc_change.sac_outbound_streams, in = n->sn_assoc_change.sac_inbound_streams;
        a->stream_count = out < in ? out : in;
        if (a->stream_count > SCTP_MAX_STREAMS) a->stream_count = SCTP_MAX_STREAMS;
        change_state(a, SCTP_STATE_CONNECTED);
      } else {
        change_state(a, SCTP_STATE_CLOSED); /* lost, shut down, refused; a restart has lost every channel too */
      }
      return;
    case SCTP_STREAM_RESET_EVENT:
      if (len >= sizeof n->sn_strreset_event) sctp_channels_stream_reset(a, &n->sn_strreset_event, len);
      return;
    case SCTP_PARTIAL_DELIVERY_EVENT:
      if (a->partial_len > 0 || a->partial_too_large) a->stats.drops[SCTP_DROP_MESSAGE_ABORTED]++;
      a->partial_len = 0;
      a->partial_too_large = 0;
      return;
    default:
      return;
  }
}

/* A piece of a message that is not complete in itself. Returns the reassembled message when this was its end. */
static const uint8_t *reassemble(struct sctp_association *a, const uint8_t *data, size_t *len, int end) {
  if (a->partial == NULL && !a->partial_too_large) {
    a->partial = malloc(SCTP_MAX_MESSAGE_BYTES);
    if (a->partial == NULL) {
      a->stats.drops[SCTP_DROP_NO_MEMORY]++;
      a->partial_too_large = 1;
    }
  }
  if (*len > SCTP_MAX_MESSAGE_BYTES - a->partial_len) a->partial_too_large = 1;
  if (!a->partial_too_large) {
    memcpy(a->partial + a->partial_len, data, *len);
    a->partial_len += *len;
  }
  if (!end) return NULL;
  *len = a->partial_len;
  a->partial_len = 0;
  return a->partial;
}

static void receive_message(struct sctp_association *a, const struct sctp_rcvinfo *info, const uint8_t *data,
                            size_t len, int end) {
  int whole = end && a->partial_len == 0 && !a->partial_too_large && len <= SCTP_MAX_MESSAGE_BYTES;
  const uint8_t *message = whole ? data : reassemble(a, data, &len, end);
  if (!end) return;
  if (a->partial_too_large) {
    a->partial_too_large = 0;
    a->stats.drops[SCTP_DROP_MESSAGE_TOO_LARGE]++;
    if (info->rcv_sid < SCTP_MAX_STREAMS) sctp_channels_close(a, info->rcv_sid);
    return;
  }
  sctp_channels_receive(a, info->rcv_sid, ntohl(info->rcv_ppid), message, len);
  if (!whole) {
    free(a->partial);
    a->partial = NULL;
  }
}

static struct sctp_delivery *next_delivery(struct sctp_association *a) {
  struct sctp_delivery *d = a->deliveries;
  if (d != NULL) a->deliveries = d->next;
  if (a->deliveries == NULL) a->last_delivery = NULL;
  return d;
}

void sctp_association_drain(struct sctp_association *a) {
  struct sctp_delivery *d;
  a->draining = 1;
  while (a->socket != NULL && (d = next_delivery(a)) != NULL) {
    if (d->flags & MSG_NOTIFICATION)
      receive_notification(a, d->data, d->len);
    else
      receive_message(a, &d->info, d->data, d->len, (d->flags & MSG_EOR) != 0);
    free(d->data);
    free(d);
  }
  if (a->socket != NULL) sctp_channels_service(a);
  if (a->socket != NULL && a->queue_refused && a->queued_bytes <= SCTP_LOW_QUEUED_BYTES) {
    a->queue_refused = 0;
    if (a->listener.queue_low) a->listener.queue_low(a->listener.arg);
  }
  a->draining = 0;
  if (a->freed)
    destroy(a);
  else if (a->work_pending && a->socket != NULL)
    sctp_stack_mark_ready(a);
}

int sctp_association_receive(struct sctp_association *a, const uint8_t *data, size_t len) {
  if (len < SCTP_HEADER_BYTES || len > MAX_INPUT_BYTES) {
    a->stats.drops[SCTP_DROP_PACKET_SIZE]++;
    return SCTP_BAD_ARGUMENT;
  }
  if (a->socket == NULL) return SCTP_OK;
  usrsctp_conninput((void *)a->id, data, len, 0); /* NOLINT(performance-no-int-to-ptr) */
  sctp_association_drain(a);
  return SCTP_OK;
}

enum sctp_state sctp_association_state(const struct sctp_association *a) {
  return a->state;
}

/* --- sending ---------------------------------------------------------------------------------------------------- */

static int grow_message_ends(struct sctp_association *a) {
  const size_t room = a->message_room ? 2 * a->message_room : FIRST_QUEUED_MESSAGES;
  if (room > SCTP_MAX_QUEUED_MESSAGES) return 0;
  uint32_t *grown = malloc(room * sizeof *grown);
  if (grown == NULL) return 0;
  for (size_t i = 0, at = a->oldest_message; i < a->message_count; i++) {
    grown[i] = a->message_ends[at++];
    if (at == a->message_room) at = 0;
  }
  free(a->message_ends);
  a->message_ends = grown;
  a->message_room = room;
  a->oldest_message = 0;
  return 1;
}

/* usrsctp bounds bytes only, and a message of one byte costs it some 400. So the offset at which each message ends is
 * remembered until that many bytes are acknowledged; across streams that is an estimate, in order it is exact. */
static int has_message_room(struct sctp_association *a) {
  uint32_t acknowledged = a->offset - (uint32_t)a->queued_bytes;
  while (a->message_count > 0 && (int32_t)(acknowledged - a->message_ends[a->oldest_message]) >= 0) {
    a->oldest_message = (a->oldest_message + 1) % a->message_room;
    a->message_count--;
  }
  return a->message_count < a->message_room || grow_message_ends(a);
}

static int send_with(struct sctp_association *a, struct sctp_sendv_spa *spa, const void *data, size_t len) {
  if (a->queued_bytes + len > SCTP_MAX_QUEUED_BYTES || !has_message_room(a)) return SCTP_QUEUE_FULL;
  spa->sendv_flags |= SCTP_SEND_SNDINFO_VALID;
  ssize_t n = usrsctp_sendv(a->socket, data, len, NULL, 0, spa, sizeof *spa, SCTP_SENDV_SPA, 0);
  if (n < 0) return errno == EWOULDBLOCK || errno == ENOBUFS ? SCTP_QUEUE_FULL : SCTP_LIBRARY_ERROR;
  a->queued_bytes += len;
  a->offset += (uint32_t)len;
  a->message_ends[(a->oldest_message + a->message_count++) % a->message_room] = a->offset;
  return SCTP_OK;
}

int sctp_association_send_raw(struct sctp_association *a, uint16_t stream, uint32_t ppid, const void *data,
                              size_t len) {
  struct sctp_sendv_spa spa = {.sendv_sndinfo = {.snd_sid = stream, .snd_ppid = htonl(ppid), .snd_flags = SCTP_EOR}};
  return send_with(a, &spa, data, len);
}

int sctp_association_send(struct sctp_association *a, uint16_t channel, enum data_channel_message kind,
                          const uint8_t *data, size_t len) {
  static const uint8_t nothing = 0;
  if (a->state != SCTP_STATE_CONNECTED) return SCTP_NOT_CONNECTED;
  if (channel >= a->channel_room) return SCTP_NOT_OPEN;
  const struct sctp_channel *c = &a->channels[channel];
  if (c->state != CHANNEL_OPEN && c->state != CHANNEL_OPENING) return SCTP_NOT_OPEN;
  if (len > a->config.remote_max_message_bytes) return SCTP_TOO_LARGE;
  uint32_t ppid = kind == DATA_CHANNEL_TEXT ? SCTP_PPID_STRING : SCTP_PPID_BINARY;
  if (len == 0) ppid = kind == DATA_CHANNEL_TEXT ? SCTP_PPID_STRING_EMPTY : SCTP_PPID_BINARY_EMPTY;

  struct sctp_sendv_spa spa = {.sendv_sndinfo = {.snd_sid = channel, .snd_ppid = htonl(ppid), .snd_flags = SCTP_EOR}};
  /* RFC 8832 §6: before the ACK all messages "MUST be sent ordered", lest one overtakes the OPEN. */
  if (c->unordered && c->state == CHANNEL_OPEN) spa.sendv_sndinfo.snd_flags |= SCTP_UNORDERED;
  if (c->reliability != DATA_CHANNEL_RELIABLE) {
    spa.sendv_flags = SCTP_SEND_PRINFO_VALID;
    spa.sendv_prinfo.pr_policy = c->reliability == DATA_CHANNEL_MAX_RETRANSMITS ? SCTP_PR_SCTP_RTX : SCTP_PR_SCTP_TTL;
    spa.sendv_prinfo.pr_value = c->reliability_value;
  }
  int rc = send_with(a, &spa, len ? data : &nothing, len ? len : 1);
  if (rc == SCTP_QUEUE_FULL) a->queue_refused = 1;
  if (rc == SCTP_OK) {
    a->stats.messages_sent++;
    a->stats.bytes_sent += len;
  }
  return rc;
}

size_t sctp_association_queued_bytes(const struct sctp_association *a) {
  return a->queued_bytes;
}

void sctp_association_get_stats(const struct sctp_association *a, struct sctp_association_stats *stats) {
  *stats = a->stats;
  stats->queued_bytes = a->queued_bytes;
  stats->channels = a->channel_count;
}
