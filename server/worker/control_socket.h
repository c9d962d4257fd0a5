/* server/worker/control_socket.h: the worker's end of the control connection: JSON lines over a UNIX stream socket.
 *
 * The worker listens at <runtime directory>/worker-N.sock (the directory is 0700, so the gateway's user is the only one
 * that gets here). One gateway at a time: a new connection replaces the old one, because a restarted gateway may be here
 * before the old one's socket is seen to close. Lines are capped; a longer one, or one that is no JSON object, closes the
 * connection: the gateway is ours, so that is a bug and starting afresh is the repair.
 */
#ifndef SERVER_WORKER_CONTROL_SOCKET_H
#define SERVER_WORKER_CONTROL_SOCKET_H

#include <jansson.h>
#include <uv.h>

/* An offer of 256 KiB, parsed, with JSON's overhead. */
#define CONTROL_LINE_MAX_BYTES  (2u << 20)
/* Lines that wait for a gateway that does not read; beyond, its connection ends and it starts afresh. */
#define CONTROL_QUEUE_MAX_BYTES (32u << 20)

struct control_socket;

struct control_listener {
  void (*connected)(void *arg);                /* a gateway came: say hello                    */
  void (*disconnected)(void *arg);             /* it is gone: every signaling connection is lost */
  void (*message)(void *arg, json_t *message); /* borrowed for the call                        */
  void *arg;
};

/* Listens at `path`, removing a socket left behind there. Returns 0 or a negative libuv error. */
int control_socket_open(struct control_socket **out, uv_loop_t *loop, const char *path,
                        const struct control_listener *listener);

/* Queues one line. Dropped when no gateway is connected (it asks for the state when it comes back) or `socket` is NULL. */
void control_socket_send(struct control_socket *socket, const json_t *message);

int control_socket_is_connected(const struct control_socket *socket);

/* Closes everything; memory goes back once the loop has run the close callbacks. */
void control_socket_close(struct control_socket *socket);

#endif
