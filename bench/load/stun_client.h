/* bench/load/stun_client.h: the Binding messages of a controlling ICE agent (RFC 8445 §7), on libnice's STUN library.
 *
 * ice/stun_codec.h is the server's side: it claims the controlled role and refuses a peer that does the same.
 */
#ifndef BENCH_LOAD_STUN_CLIENT_H
#define BENCH_LOAD_STUN_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define STUN_CLIENT_TRANSACTION_BYTES 12
#define STUN_CLIENT_MESSAGE_BYTES     256

struct stun_client; /* one for all participants */

int stun_client_create(struct stun_client **out); /* 0, or -1 without memory */
void stun_client_free(struct stun_client *c);

/* A check with USE-CANDIDATE. `username` is "remote:local"; `pwd` the remote's. Returns the length, 0 when it failed. */
size_t stun_client_write_check(struct stun_client *c, const char *username, const char *pwd, uint64_t tie_breaker,
                               uint8_t out[STUN_CLIENT_MESSAGE_BYTES]);

/* Our own transaction id of a message just written or received. */
const uint8_t *stun_client_transaction(const uint8_t *message);

/* Answers a Binding request, checked under our `pwd`. Returns the length, 0 for a message that is not one or is forged. */
size_t stun_client_answer(struct stun_client *c, const uint8_t *data, size_t len, const char *pwd,
                          const struct sockaddr *from, socklen_t from_len, uint8_t out[STUN_CLIENT_MESSAGE_BYTES]);

enum stun_client_kind { STUN_CLIENT_OTHER = 0, STUN_CLIENT_REQUEST, STUN_CLIENT_SUCCESS, STUN_CLIENT_ERROR };
enum stun_client_kind stun_client_kind(const uint8_t *data, size_t len);

/* The server is under test: its answers are checked for integrity too. `pwd` is the remote's. */
bool stun_client_verify(struct stun_client *c, const uint8_t *data, size_t len, const char *pwd);

#endif
