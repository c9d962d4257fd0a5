/* server/worker/udp_socket.c: see the header. */
#include "server/worker/udp_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A key frame of 300 kB to a hundred receivers must fit; the kernel caps it at net.core.{r,w}mem_max. */
#define BUFFER_BYTES (8 << 20)

union ingress_control {
  struct cmsghdr header;
  uint8_t bytes[CMSG_SPACE(sizeof(uint32_t))];
};

struct udp_socket {
  int fd;
  int family;
  uint16_t port;
  uint32_t kernel_drops_seen;
  struct egress_batch *egress;
  struct udp_counters counters;
  size_t used; /* headers of the last batch */
  struct mmsghdr headers[UDP_BATCH];
  struct iovec iovecs[UDP_BATCH];
  struct sockaddr_storage from[UDP_BATCH];
  union ingress_control controls[UDP_BATCH];
  uint8_t *slab;
};

static int parse_address(const char *text, uint16_t port, struct sockaddr_storage *out, socklen_t *len) {
  memset(out, 0, sizeof *out);
  struct sockaddr_in *v4 = (struct sockaddr_in *)out;
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    *len = sizeof *v4;
    return 0;
  }
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
  if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1) return -EINVAL;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  *len = sizeof *v6;
  return 0;
}

static int bind_socket(struct udp_socket *socket_, const struct sockaddr_storage *address, socklen_t len) {
  int one = 1, bytes = BUFFER_BYTES;
  socket_->fd = socket(address->ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
  if (socket_->fd < 0) return -errno;
  /* An IPv6 port of its own: IPv4 has its own socket, so that addresses are never v4-mapped. */
  if (address->ss_family == AF_INET6 && setsockopt(socket_->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0)
    return -errno;
  setsockopt(socket_->fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
  setsockopt(socket_->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  setsockopt(socket_->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  if (bind(socket_->fd, (const struct sockaddr *)address, len) < 0) return -errno;

  struct sockaddr_storage bound = {0};
  socklen_t bound_len = sizeof bound;
  if (getsockname(socket_->fd, (struct sockaddr *)&bound, &bound_len) < 0) return -errno;
  socket_->family = bound.ss_family;
  // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): getsockname() has written it
  socket_->port = ntohs(bound.ss_family == AF_INET ? ((struct sockaddr_in *)&bound)->sin_port
                                                   : ((struct sockaddr_in6 *)&bound)->sin6_port);
  return 0;
}

int udp_socket_open(struct udp_socket **out, const char *address, uint16_t port, int use_gso) {
  struct sockaddr_storage parsed;
  socklen_t len = 0;
  int error = parse_address(address, port, &parsed, &len);
  if (error) return error;
  struct udp_socket *socket_ = calloc(1, sizeof *socket_);
  if (!socket_) return -ENOMEM;
  socket_->fd = -1;
  socket_->slab = aligned_alloc(64, (size_t)UDP_BATCH * UDP_DATAGRAM_BYTES);
  error = socket_->slab ? bind_socket(socket_, &parsed, len) : -ENOMEM;
  if (!error) error = egress_batch_create(&socket_->egress, socket_->fd, use_gso);
  if (error) {
    udp_socket_close(socket_);
    return error;
  }
  socket_->used = UDP_BATCH;
  for (size_t i = 0; i < UDP_BATCH; i++) {
    socket_->iovecs[i] = (struct iovec){socket_->slab + i * UDP_DATAGRAM_BYTES, UDP_DATAGRAM_BYTES};
    socket_->headers[i].msg_hdr.msg_iov = &socket_->iovecs[i];
    socket_->headers[i].msg_hdr.msg_iovlen = 1;
    socket_->headers[i].msg_hdr.msg_name = &socket_->from[i];
    socket_->headers[i].msg_hdr.msg_control = &socket_->controls[i];
  }
  *out = socket_;
  return 0;
}

int udp_socket_hear_this_machine_only(struct udp_socket *socket_) {
  unsigned loopback = if_nametoindex("lo");
  if (loopback == 0) return -ENODEV;
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(SKF_AD_OFF + SKF_AD_IFINDEX)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, loopback, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX), /* keep all of it */
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
  if (setsockopt(socket_->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0) return -errno;
  return setsockopt(socket_->fd, SOL_SOCKET, SO_LOCK_FILTER, &(int){1}, sizeof(int)) < 0 ? -errno : 0;
}

void udp_socket_close(struct udp_socket *socket_) {
  if (!socket_) return;
  egress_batch_free(socket_->egress);
  if (socket_->fd >= 0) close(socket_->fd);
  free(socket_->slab);
  free(socket_);
}

int udp_socket_fd(const struct udp_socket *socket_) {
  return socket_->fd;
}

int udp_socket_family(const struct udp_socket *socket_) {
  return socket_->family;
}

uint16_t udp_socket_port(const struct udp_socket *socket_) {
  return socket_->port;
}

struct egress_batch *udp_socket_egress(struct udp_socket *socket_) {
  return socket_->egress;
}

const struct udp_counters *udp_socket_counters(const struct udp_socket *socket_) {
  return &socket_->counters;
}

/* SO_RXQ_OVFL reports the socket's drops since it was opened, as a 32-bit count that wraps. */
static void note_kernel_drops(struct udp_socket *socket_, struct msghdr *header) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL) continue;
    uint32_t drops;
    memcpy(&drops, CMSG_DATA(c), sizeof drops);
    socket_->counters.drop_kernel += (uint32_t)(drops - socket_->kernel_drops_seen);
    socket_->kernel_drops_seen = drops;
  }
}

static int receive_batch(struct udp_socket *socket_) {
  for (size_t i = 0; i < socket_->used; i++) { /* the kernel has written to these */
    socket_->headers[i].msg_hdr.msg_namelen = sizeof socket_->from[i];
    socket_->headers[i].msg_hdr.msg_controllen = sizeof socket_->controls[i];
  }
  int count;
  do {
    socket_->counters.system_calls++;
    count = recvmmsg(socket_->fd, socket_->headers, UDP_BATCH, MSG_DONTWAIT, NULL);
  } while (count < 0 && errno == EINTR);
  socket_->used = count > 0 ? (size_t)count : 0;
  return count;
}

size_t udp_socket_drain(struct udp_socket *socket_, unsigned max_batches, udp_datagram_h handler, udp_batch_over_h over,
                        void *arg) {
  size_t handled = 0;
  for (unsigned batch = 0; batch < max_batches; batch++) {
    int count = receive_batch(socket_);
    if (count <= 0) break;
    for (int i = 0; i < count; i++) {
      struct msghdr *header = &socket_->headers[i].msg_hdr;
      note_kernel_drops(socket_, header);
      if (header->msg_flags & MSG_TRUNC) {
        socket_->counters.drop_truncated++;
        continue;
      }
      socket_->counters.packets++;
      socket_->counters.bytes += socket_->headers[i].msg_len;
      handler(arg, (struct sockaddr *)&socket_->from[i], header->msg_namelen, socket_->iovecs[i].iov_base,
              socket_->headers[i].msg_len);
    }
    if (over) over(arg);
    egress_batch_flush(socket_->egress);
    handled += (size_t)count;
    if (count < UDP_BATCH) break;
  }
  return handled;
}
