/* What browsers are told about STUN and TURN. Credentials follow the "TURN REST API" (draft-uberti-behave-turn-rest-00
 * §2.2: username = expiry time ":" user id; password = base64(HMAC-SHA1(secret, username))), which coturn's
 * use-auth-secret checks. The user id is the session's, so that TURN's log names nobody. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "server/gateway/internal.h"

static json_t *urls_json(const struct config_list *urls) {
  json_t *array = json_array();
  for (size_t i = 0; i < urls->count; i++)
    json_array_append_new(array, json_string(urls->items[i]));
  return array;
}

int ice_servers_credential(const char *secret, const char *username, char credential[ICE_SERVERS_CREDENTIAL_BYTES]) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (!HMAC(EVP_sha1(), secret, (int)strlen(secret), (const unsigned char *)username, strlen(username), mac, &length))
    return -1;
  EVP_EncodeBlock((unsigned char *)credential, mac, (int)length); /* 20 bytes become 28 characters and NUL */
  return 0;
}

static json_t *turn_json(const struct config *c, const char *session, int64_t now_s) {
  char username[64], password[ICE_SERVERS_CREDENTIAL_BYTES];
  snprintf(username, sizeof username, "%" PRId64 ":%s", now_s + c->turn.ttl_seconds, session);
  if (ice_servers_credential(c->turn.secret, username, password) != 0) return NULL;
  return json_pack("{s:o, s:s, s:s}", "urls", urls_json(&c->turn.urls), "username", username, "credential", password);
}

json_t *ice_servers_json(const struct config *c, const char *session, int64_t now_s) {
  json_t *list = json_array();
  for (size_t i = 0; i < c->ice_servers.count; i++) {
    const struct config_ice_server *server = &c->ice_servers.items[i];
    json_t *one = json_pack("{s:o}", "urls", urls_json(&server->urls));
    if (server->username) json_object_set_new(one, "username", json_string(server->username));
    if (server->credential) json_object_set_new(one, "credential", json_string(server->credential));
    json_array_append_new(list, one);
  }
  if (*c->turn.secret) json_array_append_new(list, turn_json(c, session, now_s));
  return list;
}
