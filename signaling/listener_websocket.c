/* signaling/listener_websocket.c: who may upgrade, messages put together under a limit, and a bounded queue out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "signaling/http_path.h"
#include "signaling/listener_internal.h"
#include "signaling/message.h"

#define RX_FIRST    1024
#define RX_KEEP     4096 /* an idle connection keeps at most this much */
/* LWS_WRITE_CLOSE, the same in every 4.x, stands in a private header. */
#define WRITE_CLOSE ((enum lws_write_protocol)4)
#define CLOSE_LOST  1006 /* RFC 6455 §7.4.1: closed without a close frame */

static int refuse(struct listener_connection *c, uint64_t *counter, int status) {
  (*counter)++;
  response_refuse_now(c->wsi, status);
  return -1;
}

/* Called for every request with an Upgrade header, before libwebsockets acts on it. In 4.1.6 it comes for unknown
 * upgrades too, after their answer and perhaps with the head already gone, so the header is looked up anew. */
int websocket_confirm_upgrade(struct listener_connection *c) {
  struct listener *l = c->listener;
  struct endpoint *e = c->endpoint;
  char upgrade[16], path[256], origin[300], host[300];
  if (lws_hdr_total_length(c->wsi, WSI_TOKEN_UPGRADE) <= 0) {
    l->stats.refused_upgrade++;
    return -1;
  }
  if (connection_header(c->wsi, WSI_TOKEN_UPGRADE, upgrade, sizeof(upgrade)) || strcasecmp(upgrade, "websocket") != 0)
    return refuse(c, &l->stats.refused_upgrade, 400);
  if (connection_identify(c)) {
    response_refuse_now(c->wsi, 429);
    return -1;
  }
  if (!e->websocket_path || connection_header(c->wsi, WSI_TOKEN_GET_URI, path, sizeof(path)) ||
      strcmp(path, e->websocket_path) != 0)
    return refuse(c, &l->stats.refused_path, 404);
  if (connection_header(c->wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin)) ||
      connection_header(c->wsi, WSI_TOKEN_HOST, host, sizeof(host)) ||
      !http_origin_allowed(origin, host, e->use_tls, (const char *const *)e->origins, e->origin_count))
    return refuse(c, &l->stats.refused_origin, 403);
  return 0;
}

int websocket_established(struct listener_connection *c) {
  struct listener *l = c->listener;
  char origin[300];
  (void)connection_header(c->wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin));
  c->state = CONNECTION_OPEN;
  c->announced = true;
  l->stats.upgraded++;
  l->stats.websockets++;
  if (l->events.on_open) l->events.on_open(c, c->endpoint->name, c->remote, origin, l->arg);
  return 0;
}

/* Makes room for `len` more bytes. The limit was checked. */
static int grow(struct listener_connection *c, size_t len) {
  size_t need = c->rx_len + len;
  if (need <= c->rx_cap) return 0;
  size_t cap = c->rx_cap ? c->rx_cap : RX_FIRST;
  while (cap < need)
    cap *= 2;
  char *bytes = realloc(c->rx, cap);
  if (!bytes) return -1;
  c->rx = bytes;
  c->rx_cap = cap;
  return 0;
}

static void shrink(struct listener_connection *c) {
  c->rx_len = 0;
  if (c->rx_cap <= RX_KEEP) return;
  free(c->rx);
  c->rx = NULL;
  c->rx_cap = 0;
}

int websocket_receive(struct listener_connection *c, const char *bytes, size_t len) {
  struct listener *l = c->listener;
  if (c->state != CONNECTION_OPEN) return 0;
  if (lws_frame_is_binary(c->wsi)) {
    l->stats.binary++;
    listener_disconnect(c, SIGNALING_CLOSE_UNSUPPORTED, "text only");
    return 0;
  }
  size_t rest = lws_remaining_packet_payload(c->wsi);
  if (c->rx_len > c->rx_limit || len > c->rx_limit - c->rx_len || rest > c->rx_limit - c->rx_len - len) {
    l->stats.too_big++;
    listener_disconnect(c, SIGNALING_CLOSE_TOO_BIG, "message too big");
    return 0;
  }
  if (grow(c, len)) return -1;
  if (len) memcpy(c->rx + c->rx_len, bytes, len);
  c->rx_len += len;
  if (rest || !lws_is_final_fragment(c->wsi)) return 0;
  l->stats.messages_in++;
  l->stats.bytes_in += c->rx_len;
  if (l->events.on_message) l->events.on_message(c, c->rx ? c->rx : "", c->rx_len, l->arg);
  shrink(c);
  return 0;
}

static void drop_queue(struct listener_connection *c) {
  while (c->head) {
    struct queued *q = c->head;
    c->head = q->next;
    free(q);
  }
  c->tail = &c->head;
  c->queued = 0;
}

int listener_send(struct listener_connection *c, const char *text, size_t len) {
  struct listener *l = c->listener;
  if (c->state != CONNECTION_OPEN) return LISTENER_GONE;
  if (len > l->config.queue_bytes_max - c->queued) {
    l->stats.slow_readers++;
    drop_queue(c);
    listener_disconnect(c, SIGNALING_CLOSE_SLOW_READER, "slow reader");
    return LISTENER_SLOW_READER;
  }
  struct queued *q = malloc(sizeof(*q) + LWS_PRE + len);
  if (!q) return LISTENER_NO_MEMORY;
  q->next = NULL;
  q->len = len;
  memcpy(q->bytes + LWS_PRE, text, len);
  *c->tail = q;
  c->tail = &q->next;
  c->queued += len;
  lws_callback_on_writable(c->wsi);
  return 0;
}

void listener_disconnect(struct listener_connection *c, uint16_t code, const char *reason) {
  if (c->state != CONNECTION_OPEN) return;
  c->state = CONNECTION_CLOSING;
  c->close_code = code;
  (void)snprintf(c->close_reason, sizeof(c->close_reason), "%s", reason ? reason : "");
  lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LISTENER_CUT_S);
  lws_callback_on_writable(c->wsi);
}

void listener_set_message_limit(struct listener_connection *c, size_t bytes) {
  c->rx_limit = bytes;
}

/* RFC 6455 §5.5.1. Written here: Debian's libwebsockets closes twice after a callback returned -1 (a self-test that its
 * build left on), and the second time cuts the connection before the close frame is out. */
static int send_close(struct listener_connection *c) {
  unsigned char frame[LWS_PRE + 2 + sizeof(c->close_reason)];
  size_t len = strlen(c->close_reason);
  frame[LWS_PRE] = (unsigned char)(c->close_code >> 8);
  frame[LWS_PRE + 1] = (unsigned char)(c->close_code & 0xff);
  memcpy(frame + LWS_PRE + 2, c->close_reason, len);
  c->close_sent = true;
  return lws_write(c->wsi, frame + LWS_PRE, 2 + len, WRITE_CLOSE) < 0 ? -1 : 0;
}

int websocket_writable(struct listener_connection *c) {
  struct listener *l = c->listener;
  if (c->close_sent) return 0;
  while (c->head && !lws_send_pipe_choked(c->wsi)) {
    struct queued *q = c->head;
    int n = lws_write(c->wsi, q->bytes + LWS_PRE, q->len, LWS_WRITE_TEXT);
    if (n < 0) return -1;
    l->stats.messages_out++;
    l->stats.bytes_out += q->len;
    c->head = q->next;
    if (!c->head) c->tail = &c->head;
    c->queued -= q->len;
    free(q);
  }
  if (!c->head) return c->state == CONNECTION_CLOSING ? send_close(c) : 0;
  lws_callback_on_writable(c->wsi);
  return 0;
}

/* Returns -1 when this answers our own close: there is nothing left to say. */
int websocket_peer_closes(struct listener_connection *c, const unsigned char *payload, size_t len) {
  int code = len >= 2 ? payload[0] << 8 | payload[1] : 1005;
  c->peer_code = (uint16_t)code;
  return c->close_sent ? -1 : 0;
}

void websocket_closed(struct listener_connection *c) {
  struct listener *l = c->listener;
  drop_queue(c);
  if (!c->announced) return;
  c->announced = false;
  c->state = CONNECTION_CLOSING;
  l->stats.websockets--;
  uint16_t code = c->close_code ? c->close_code : c->peer_code ? c->peer_code : CLOSE_LOST;
  if (l->events.on_close) l->events.on_close(c, code, l->arg);
}
