/* signaling/listener_connection.c: accepted sockets: who may connect, what is remembered of each, and its end. */
#include <stdlib.h>
#include <string.h>

#include "signaling/http_path.h"
#include "signaling/listener_internal.h"

static uint32_t address_count(struct listener *l, uint64_t key) {
  struct address_count *a;
  HASH_FIND(hh, l->addresses, &key, sizeof(key), a);
  return a ? a->count : 0;
}

static int address_take(struct listener *l, uint64_t key) {
  struct address_count *a;
  HASH_FIND(hh, l->addresses, &key, sizeof(key), a);
  if (!a) {
    a = calloc(1, sizeof(*a));
    if (!a) return -1;
    a->key = key;
    HASH_ADD(hh, l->addresses, key, sizeof(a->key), a);
  }
  a->count++;
  return 0;
}

static void address_release(struct listener *l, uint64_t key) {
  struct address_count *a;
  HASH_FIND(hh, l->addresses, &key, sizeof(key), a);
  if (!a || --a->count) return;
  HASH_DEL(l->addresses, a);
  free(a);
}

int connection_filter(struct endpoint *e, const struct lws_filter_network_conn_args *peer) {
  struct listener *l = e->listener;
  if (l->closing) return -1;
  if (l->stats.connections >= l->config.connections_max) {
    l->stats.refused_connections_max++;
    return -1;
  }
  if (e->trust_proxy) return 0; /* the address is the proxy's; connection_identify() looks again */
  char address[LISTENER_ADDRESS_CHARS] = "";
  if (peer->cli_addr.ss_family == AF_INET6)
    uv_ip6_name((const struct sockaddr_in6 *)&peer->cli_addr, address, sizeof(address));
  else
    uv_ip4_name((const struct sockaddr_in *)&peer->cli_addr, address, sizeof(address));
  http_address_unmap(address);
  if (address_count(l, http_address_key(address)) >= l->config.connections_per_address) {
    l->stats.refused_per_address++;
    return -1;
  }
  return 0;
}

int connection_adopt(struct lws *wsi) {
  if (lws_get_opaque_user_data(wsi)) return 0;
  struct endpoint *e = lws_vhost_user(lws_get_vhost(wsi));
  struct listener_connection *c = calloc(1, sizeof(*c));
  if (!c) return -1;
  struct listener *l = e->listener;
  c->listener = l;
  c->endpoint = e;
  c->wsi = wsi;
  c->tail = &c->head;
  c->rx_limit = l->config.first_message_bytes;
  lws_get_peer_simple(wsi, c->remote, sizeof(c->remote));
  http_address_unmap(c->remote);
  uint64_t key = http_address_key(c->remote);
  if (!e->trust_proxy && key && address_take(l, key) == 0) c->address_key = key;
  c->next = l->connections;
  c->previous = &l->connections;
  if (c->next) c->next->previous = &c->next;
  l->connections = c;
  l->stats.accepted++;
  l->stats.connections++;
  lws_set_opaque_user_data(wsi, c);
  return 0;
}

int connection_header(struct lws *wsi, enum lws_token_indexes token, char *out, size_t cap) {
  out[0] = '\0';
  int len = lws_hdr_total_length(wsi, token);
  if (len <= 0) return 0;
  if ((size_t)len >= cap || lws_hdr_copy(wsi, out, (int)cap, token) < 0) {
    out[0] = '\0';
    return -1;
  }
  return 0;
}

int connection_identify(struct listener_connection *c) {
  struct listener *l = c->listener;
  char list[512];
  if (!c->endpoint->trust_proxy || c->address_key) return 0;
  if (connection_header(c->wsi, WSI_TOKEN_X_FORWARDED_FOR, list, sizeof(list)) == 0 && list[0])
    (void)http_forwarded_address(list, c->remote, sizeof(c->remote));
  uint64_t key = http_address_key(c->remote);
  if (address_count(l, key) >= l->config.connections_per_address) {
    l->stats.refused_per_address++;
    return -1;
  }
  if (key && address_take(l, key) == 0) c->address_key = key;
  return 0;
}

void connection_destroy(struct listener_connection *c) {
  struct listener *l = c->listener;
  websocket_closed(c);
  http_closed(c);
  if (c->address_key) address_release(l, c->address_key);
  *c->previous = c->next;
  if (c->next) c->next->previous = c->previous;
  l->stats.connections--;
  lws_set_opaque_user_data(c->wsi, NULL);
  free(c->rx);
  free(c);
}

void listener_set_user(struct listener_connection *c, void *user) {
  c->user = user;
}

void *listener_user(const struct listener_connection *c) {
  return c->user;
}

const char *listener_remote(const struct listener_connection *c) {
  return c->remote;
}

size_t listener_queued_bytes(const struct listener_connection *c) {
  return c->queued;
}
