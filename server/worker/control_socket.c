/* server/worker/control_socket.c: see the header. */
#include "server/worker/control_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
  uv_pipe_t pipe;
  struct control_socket *owner; /* NULL once replaced or closed */
  char *line;                   /* bytes of an unfinished line */
  size_t used, size;
};

struct control_socket {
  uv_pipe_t server;
  uv_loop_t *loop;
  struct connection *connection;
  struct control_listener listener;
};

struct write {
  uv_write_t request;
  char *text;
};

static void on_connection_closed(uv_handle_t *handle) {
  struct connection *connection = handle->data;
  free(connection->line);
  free(connection);
}

static void drop_connection(struct control_socket *socket, int tell) {
  struct connection *connection = socket->connection;
  if (!connection) return;
  socket->connection = NULL;
  connection->owner = NULL;
  uv_close((uv_handle_t *)&connection->pipe, on_connection_closed);
  if (tell) socket->listener.disconnected(socket->listener.arg);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  struct connection *connection = handle->data;
  (void)suggested;
  if (connection->size - connection->used < 16384 && connection->size < CONTROL_LINE_MAX_BYTES) {
    size_t size = connection->size ? connection->size * 2 : 65536;
    char *line = realloc(connection->line, size);
    if (line) {
      connection->line = line;
      connection->size = size;
    }
  }
  *buf = uv_buf_init(connection->line + connection->used, (unsigned)(connection->size - connection->used));
}

/* Hands over each whole line; what is left moves to the front. Stops when a handler closed the connection. */
static void take_lines(struct connection *connection) {
  size_t start = 0;
  char *end;
  while ((end = memchr(connection->line + start, '\n', connection->used - start))) {
    size_t at = (size_t)(end - connection->line);
    json_t *message = json_loadb(connection->line + start, at - start, JSON_REJECT_DUPLICATES, NULL);
    struct control_socket *owner = connection->owner;
    if (!json_is_object(message)) {
      json_decref(message);
      drop_connection(owner, 1);
      return;
    }
    owner->listener.message(owner->listener.arg, message);
    json_decref(message);
    if (!connection->owner) return;
    start = at + 1;
  }
  connection->used -= start;
  memmove(connection->line, connection->line + start, connection->used);
  if (connection->used >= CONTROL_LINE_MAX_BYTES) drop_connection(connection->owner, 1);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
  struct connection *connection = stream->data;
  (void)buf;
  if (!connection->owner || count == 0) return;
  if (count < 0) {
    drop_connection(connection->owner, 1);
    return;
  }
  connection->used += (size_t)count;
  take_lines(connection);
}

static void on_connection(uv_stream_t *server, int status) {
  struct control_socket *socket = server->data;
  if (status < 0) return;
  struct connection *connection = calloc(1, sizeof *connection);
  if (!connection) return;
  if (uv_pipe_init(socket->loop, &connection->pipe, 0) < 0) {
    free(connection);
    return;
  }
  connection->pipe.data = connection;
  if (uv_accept(server, (uv_stream_t *)&connection->pipe) < 0) {
    uv_close((uv_handle_t *)&connection->pipe, on_connection_closed);
    return;
  }
  drop_connection(socket, 1);
  connection->owner = socket;
  socket->connection = connection;
  uv_read_start((uv_stream_t *)&connection->pipe, on_alloc, on_read);
  socket->listener.connected(socket->listener.arg);
}

int control_socket_open(struct control_socket **out, uv_loop_t *loop, const char *path,
                        const struct control_listener *listener) {
  struct control_socket *socket = calloc(1, sizeof *socket);
  if (!socket) return UV_ENOMEM;
  socket->loop = loop;
  socket->listener = *listener;
  int error = uv_pipe_init(loop, &socket->server, 0);
  if (error) {
    free(socket);
    return error;
  }
  socket->server.data = socket;
  unlink(path);
  error = uv_pipe_bind(&socket->server, path);
  if (!error) error = uv_listen((uv_stream_t *)&socket->server, 4, on_connection);
  if (error) {
    control_socket_close(socket);
    return error;
  }
  *out = socket;
  return 0;
}

static void on_written(uv_write_t *request, int status) {
  struct write *write = request->data;
  (void)status; /* a failed write is followed by the read side's end, which tells the listener */
  free(write->text);
  free(write);
}

void control_socket_send(struct control_socket *socket, const json_t *message) {
  if (!socket || !socket->connection) return;
  uv_os_fd_t fd;
  if (uv_stream_get_write_queue_size((uv_stream_t *)&socket->connection->pipe) > CONTROL_QUEUE_MAX_BYTES) {
    /* A gateway that reads no more. The read side sees the end from the loop: here the room may be in the middle of a call. */
    if (uv_fileno((uv_handle_t *)&socket->connection->pipe, &fd) == 0) shutdown(fd, SHUT_RDWR);
    return;
  }
  struct write *write = calloc(1, sizeof *write);
  if (!write) return;
  static char newline[] = "\n";
  write->text = json_dumps(message, JSON_COMPACT);
  if (!write->text) {
    free(write);
    return;
  }
  write->request.data = write;
  const uv_buf_t line[] = {uv_buf_init(write->text, (unsigned)strlen(write->text)), uv_buf_init(newline, 1)};
  if (uv_write(&write->request, (uv_stream_t *)&socket->connection->pipe, line, 2, on_written) < 0)
    on_written(&write->request, UV_EOF);
}

int control_socket_is_connected(const struct control_socket *socket) {
  return socket->connection != NULL;
}

static void on_server_closed(uv_handle_t *handle) {
  free(handle->data);
}

void control_socket_close(struct control_socket *socket) {
  if (!socket) return;
  drop_connection(socket, 0);
  uv_close((uv_handle_t *)&socket->server, on_server_closed);
}
