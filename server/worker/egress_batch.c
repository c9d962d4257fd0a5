/* server/worker/egress_batch.c: see the header. A message is a linked list of pieces of the slab, usually of one: packets that are sealed
 * one after the other for the same receiver lie side by side. The flush joins what may share a message and lays out iovecs. */
#include "server/worker/egress_batch.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#define SLAB_BYTES      (6u << 20)
#define USED_MAX        (SLAB_BYTES - EGRESS_PACKET_MAX_BYTES)
/* A frame of ten packets to four hundred receivers; a flush in the middle would cut every run in two. */
#define MAX_PACKETS     4096u
#define MAX_MESSAGES    MAX_PACKETS /* a message has at least one piece, so one comparison is enough */
/* Linux: UDP_MAX_SEGMENTS is 64 up to 6.8, 128 since; before segmentation the whole must fit an IPv4 datagram. */
#define MAX_RUN_PACKETS 64u
#define MAX_RUN_BYTES   65000u
#define NONE            UINT32_MAX
/* No destination has it: flushes are counted from 1. */
#define NO_MESSAGE      1u
/* Padding is less than one byte in so many. */
#define PADDING_SHARE   100u
/* Of a receiver's messages so many are looked at for one that can take another's packets. */
#define MAX_HOSTS       16u

/* Whole packets, side by side. */
struct piece {
  uint32_t offset;
  uint32_t bytes; /* of a message's last piece: known when it is closed */
  uint32_t next;  /* of the same message, or NONE */
};

struct message {
  union egress_address address;
  uint8_t address_len;
  bool chained : 1;     /* another message's `next` leads here */
  bool mixed : 1;       /* packets of several SSRCs */
  uint16_t segment;     /* the length of every packet but the last */
  uint16_t count;       /* packets; 0: they joined another message */
  uint16_t most;        /* `count` once a shorter packet has ended the run */
  uint32_t ssrc;        /* of the first packet, as it lies there; 0: too short to have one */
  uint32_t streams;     /* a bit for each packet's SSRC, see stream_bit() */
  uint32_t aside;       /* likewise, of what went aside while this was the open run */
  uint32_t next;        /* to the same receiver, in no order; NONE: the last */
  uint32_t first, last; /* pieces */
  uint32_t end; /* of the last one, in the slab; of the message that was appended to last: where the slab ends */
};
_Static_assert(sizeof(struct message) == 64, "a cache line");

union segment_control {
  struct cmsghdr header;
  uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
};

struct egress_batch {
  int fd;
  int use_gso;
  uint32_t piece_count, message_count;
  uint64_t flush;     /* its number, in the upper half: the lower one is a message's */
  uint64_t last_open; /* `open` of the destination whose message was appended to last; NO_MESSAGE: that takes no more */
  struct message *last; /* that message */
  bool chains;          /* somebody has more than one message */
  size_t used;          /* bytes of the slab */
  size_t used_max;      /* more: no room for another packet, or no piece */
  uint8_t *slab;
  void (*finish)(void *arg);
  void *finish_arg;
  struct piece pieces[MAX_PACKETS];
  struct message messages[MAX_MESSAGES];
  struct iovec iovecs[MAX_PACKETS];
  struct mmsghdr headers[MAX_MESSAGES];
  union segment_control controls[MAX_MESSAGES];
  struct egress_counters counters;
};

static void begin(struct egress_batch *batch) {
  batch->flush += UINT64_C(1) << 32;
  if (batch->flush == 0) batch->flush = UINT64_C(1) << 32;
  batch->last = batch->messages;
  batch->last_open = NO_MESSAGE;
}

int egress_batch_create(struct egress_batch **out, int fd, int use_gso) {
  struct egress_batch *batch = calloc(1, sizeof *batch);
  if (!batch) return -ENOMEM;
  batch->slab = aligned_alloc(64, SLAB_BYTES);
  if (!batch->slab) {
    free(batch);
    return -ENOMEM;
  }
  batch->fd = fd;
  batch->use_gso = use_gso;
  batch->used_max = USED_MAX;
  begin(batch);
  *out = batch;
  return 0;
}

void egress_batch_free(struct egress_batch *batch) {
  if (!batch) return;
  free(batch->slab);
  free(batch);
}

void egress_batch_set_finish(struct egress_batch *batch, void (*finish)(void *arg), void *arg) {
  batch->finish = finish;
  batch->finish_arg = arg;
}

uint8_t *egress_batch_reserve(struct egress_batch *batch) {
  if (__builtin_expect(batch->used > batch->used_max, 0)) egress_batch_flush(batch);
  return batch->slab + batch->used;
}

/* The receiver's last message that others may follow; NULL: none of this flush, and without UDP_SEGMENT none ever is. */
static struct message *newest(struct egress_batch *batch, const struct egress_destination *destination) {
  const uint64_t index = destination->open ^ batch->flush;
  return index >> 32 ? NULL : &batch->messages[index];
}

static bool has_room(const struct message *message, size_t len) {
  return message->count < message->most && len <= message->segment;
}

/* Where a packet of `len` can be appended, or NULL. */
static struct message *open_run(struct egress_batch *batch, const struct egress_destination *destination, size_t len) {
  struct message *message = newest(batch, destination);
  return message && has_room(message, len) ? message : NULL;
}

size_t egress_batch_padding(struct egress_batch *batch, const struct egress_destination *destination, size_t len,
                            bool more) {
  if (!batch->use_gso) return 0;
  const struct message *run = open_run(batch, destination, len);
  if (!run) return more && len < EGRESS_PACKET_MAX_BYTES && len > PADDING_SHARE;
  size_t missing = run->segment - len;
  return missing * PADDING_SHARE < len ? missing : 0;
}

enum { SSRC_AT = 8, SSRC_BYTES = 4 };

/* RTP's SSRC is in the clear (RFC 3550 §5.1). What is no RTP has something else there: a stream of its own. */
static uint32_t ssrc_of(const uint8_t *packet, size_t len) {
  uint32_t ssrc = 0;
  if (len >= SSRC_AT + SSRC_BYTES) memcpy(&ssrc, packet + SSRC_AT, sizeof ssrc);
  return ssrc;
}

/* Our SSRCs are random. Two that share a bit are taken for one, which costs at most a message. */
static uint32_t stream_bit(uint32_t ssrc) {
  return 1u << (ssrc & 31);
}

/* A message for the packet alone, until others follow. */
static struct message *new_message(struct egress_batch *batch, const struct egress_destination *destination,
                                   uint32_t ssrc, size_t len) {
  struct message *message = &batch->messages[batch->message_count++];
  message->address = destination->address;
  message->address_len = (uint8_t)destination->address_len;
  message->segment = (uint16_t)len;
  message->count = 0;
  message->most = (uint16_t)(MAX_RUN_BYTES / len < MAX_RUN_PACKETS ? MAX_RUN_BYTES / len : MAX_RUN_PACKETS);
  message->chained = message->mixed = false;
  message->ssrc = ssrc;
  message->streams = message->aside = 0;
  message->next = message->first = message->last = NONE;
  return message;
}

/* Streams keep their order, and different ones have none. So a voice between the packets of a picture, which would end their run,
 * goes aside, and what follows of it must not go into the run that will leave before it. */
static struct message *open_message(struct egress_batch *batch, struct egress_destination *destination, uint32_t ssrc,
                                    size_t len) {
  struct message *before = newest(batch, destination); /* the receiver's first in the chain */
  struct message *run = before && has_room(before, len) ? before : NULL;
  const bool aside = run && run->ssrc && ssrc && run->ssrc != ssrc && len < run->segment;
  if (run && !aside && (run->ssrc == ssrc || !(run->aside & stream_bit(ssrc)))) return run;
  struct message *message = new_message(batch, destination, ssrc, len);
  const uint32_t index = (uint32_t)(message - batch->messages);
  if (!batch->use_gso) return message;
  batch->chains |= before != NULL;
  if (aside) {
    run->aside |= stream_bit(ssrc);
    message->chained = true;
    message->next = run->next;
    run->next = index;
    return message;
  }
  if (before) {
    before->chained = true;
    message->next = (uint32_t)(before - batch->messages);
  }
  destination->open = batch->flush | index;
  return message;
}

static inline void close_piece(struct piece *last, const struct message *message) {
  last->bytes = message->end - last->offset;
}

/* Any packet; out of line, for most are the usual one. */
__attribute__((noinline)) static void append(struct egress_batch *batch, struct egress_destination *destination,
                                             size_t len) {
  const uint32_t ssrc = ssrc_of(batch->slab + batch->used, len);
  batch->last->end = (uint32_t)batch->used;
  struct message *message = open_message(batch, destination, ssrc, len);
  message->streams |= stream_bit(ssrc);
  message->mixed |= message->ssrc != ssrc;
  struct piece *last = message->last == NONE ? NULL : &batch->pieces[message->last];
  if (!last || message->end != batch->used) {
    uint32_t index = batch->piece_count++;
    if (batch->piece_count == MAX_PACKETS) batch->used_max = 0;
    batch->pieces[index] = (struct piece){(uint32_t)batch->used, 0, NONE};
    if (last) {
      close_piece(last, message);
      last->next = index;
    } else {
      message->first = index;
    }
    message->last = index;
  }
  batch->used += len;
  message->end = (uint32_t)batch->used;
  message->count++;
  if (len < message->segment) message->most = message->count;
  const uint64_t open = batch->flush | (uint64_t)(message - batch->messages);
  batch->last = message;
  batch->last_open = destination->open == open ? open : NO_MESSAGE;
}

/* The usual packet is for the same receiver, of the same stream and as long as the one before it. */
void egress_batch_commit(struct egress_batch *batch, struct egress_destination *destination, size_t len) {
  struct message *run = batch->last;
  uint32_t ssrc; /* where the slab ends is room for a packet, so that this can be read whatever `len` is */
  memcpy(&ssrc, batch->slab + batch->used + SSRC_AT, sizeof ssrc);
  if (__builtin_expect(
          destination->open != batch->last_open || len != run->segment || ssrc != run->ssrc || run->count >= run->most,
          0)) {
    append(batch, destination, len);
    return;
  }
  batch->used += len;
  run->count++;
}

void egress_batch_add(struct egress_batch *batch, struct egress_destination *destination, const uint8_t *data,
                      size_t len) {
  if (len == 0 || len > EGRESS_PACKET_MAX_BYTES) return;
  memcpy(egress_batch_reserve(batch), data, len);
  egress_batch_commit(batch, destination, len);
}

/* ---- what may share a message ---- */

/* What came first waits for at most twice its own bytes: on a narrow link a voice must not stand behind a frame. */
static bool takes(const struct message *host, const struct message *guest) {
  if (host->count + guest->count > host->most) return false;
  if (host > guest && host->segment * host->count > 2 * guest->segment * guest->count) return false;
  return guest->segment == host->segment || (guest->count == 1 && guest->segment < host->segment);
}

static struct message *find_host(struct egress_batch *batch, uint32_t first, const struct message *guest) {
  struct message *best = NULL;
  for (uint32_t m = first, looked = 0; m != NONE && looked < MAX_HOSTS; m = batch->messages[m].next, looked++) {
    struct message *host = &batch->messages[m];
    if (host == guest || host->count == 0 || !takes(host, guest)) continue;
    if (!best || host->count > best->count) best = host; /* one that is alone can still be a guest itself */
  }
  return best;
}

/* Bits may be shared by chance, SSRCs are not: where each message has one, they tell. */
static bool is_alone(const struct egress_batch *batch, uint32_t first, const struct message *guest) {
  for (uint32_t m = first; m != NONE; m = batch->messages[m].next) {
    const struct message *other = &batch->messages[m];
    if (other == guest || other->count == 0 || !(other->streams & guest->streams)) continue;
    if (other->mixed || guest->mixed || other->ssrc == guest->ssrc) return false;
  }
  return true;
}

static void join(struct egress_batch *batch, struct message *host, struct message *guest) {
  batch->pieces[host->last].next = guest->first;
  host->last = guest->last;
  host->count = (uint16_t)(host->count + guest->count);
  if (guest->segment < host->segment || guest->count == guest->most) host->most = host->count;
  host->streams |= guest->streams;
  host->mixed |= guest->mixed || guest->ssrc != host->ssrc;
  guest->count = 0;
}

/* One receiver's messages. Sound behind a picture, the pictures of two people: whatever is a single packet can be the last of a longer
 * one's message. Its place among the others changes, so it must be the only message of its streams. */
static void join_chain(struct egress_batch *batch, uint32_t first) {
  uint32_t once = 0, again = 0;
  for (uint32_t m = first; m != NONE; m = batch->messages[m].next) {
    again |= once & batch->messages[m].streams;
    once |= batch->messages[m].streams;
  }
  for (uint32_t m = first; m != NONE; m = batch->messages[m].next) {
    struct message *guest = &batch->messages[m];
    if (guest->streams & again && !is_alone(batch, first, guest)) continue;
    struct message *host = find_host(batch, first, guest);
    if (host) join(batch, host, guest);
  }
}

__attribute__((noinline)) static void join_messages(struct egress_batch *batch) {
  if (!batch->chains) return;
  batch->chains = false;
  const uint32_t count = batch->message_count;
  for (uint32_t m = 0; m < count; m++)
    if (!batch->messages[m].chained && batch->messages[m].next != NONE) join_chain(batch, m);
  batch->message_count = 0;
  for (uint32_t m = 0; m < count; m++) {
    if (batch->messages[m].count == 0) continue;
    if (batch->message_count < m) batch->messages[batch->message_count] = batch->messages[m];
    batch->message_count++;
  }
}

/* ---- sending ---- */

static void lay_out(struct egress_batch *batch) {
  uint32_t iov = 0;
  for (uint32_t m = 0; m < batch->message_count; m++) {
    struct message *message = &batch->messages[m];
    struct msghdr *header = &batch->headers[m].msg_hdr;
    memset(header, 0, sizeof *header);
    header->msg_name = &message->address;
    header->msg_namelen = message->address_len;
    header->msg_iov = &batch->iovecs[iov];
    const uint32_t first = iov;
    for (uint32_t p = message->first; p != NONE; p = batch->pieces[p].next)
      batch->iovecs[iov++] = (struct iovec){batch->slab + batch->pieces[p].offset, batch->pieces[p].bytes};
    header->msg_iovlen = iov - first;
    if (message->count > 1) {
      union segment_control *control = &batch->controls[m];
      control->header.cmsg_level = SOL_UDP;
      control->header.cmsg_type = UDP_SEGMENT;
      control->header.cmsg_len = CMSG_LEN(sizeof(uint16_t));
      memcpy(CMSG_DATA(&control->header), &message->segment, sizeof message->segment);
      header->msg_control = control;
      header->msg_controllen = sizeof *control;
    }
  }
}

static void count_sent(struct egress_batch *batch, const struct message *message) {
  batch->counters.messages++;
  batch->counters.packets += message->count;
  for (uint32_t p = message->first; p != NONE; p = batch->pieces[p].next)
    batch->counters.bytes += batch->pieces[p].bytes;
}

// NOLINTNEXTLINE(readability-non-const-parameter): an iovec takes it as it is
static void send_one(struct egress_batch *batch, struct message *message, uint8_t *data, size_t len) {
  struct iovec iovec = {data, len};
  struct msghdr one = {
      .msg_name = &message->address, .msg_namelen = message->address_len, .msg_iov = &iovec, .msg_iovlen = 1};
  batch->counters.system_calls++;
  if (sendmsg(batch->fd, &one, MSG_DONTWAIT) >= 0) {
    batch->counters.messages++;
    batch->counters.packets++;
    batch->counters.bytes += len;
  } else if (errno == EAGAIN || errno == ENOBUFS) {
    batch->counters.drop_full++;
  } else {
    batch->counters.drop_error++;
  }
}

/* One message's packets, each by itself: after a refused run, or when the kernel lacks UDP_SEGMENT. */
static void send_singly(struct egress_batch *batch, struct message *message) {
  for (uint32_t p = message->first; p != NONE; p = batch->pieces[p].next) {
    const struct piece *piece = &batch->pieces[p];
    for (uint32_t at = 0; at < piece->bytes; at += message->segment) {
      uint32_t left = piece->bytes - at;
      send_one(batch, message, batch->slab + piece->offset + at, left < message->segment ? left : message->segment);
    }
  }
}

/* sendmmsg stopped at message `at`: decides what becomes of it. */
__attribute__((cold, noinline)) static void handle_refusal(struct egress_batch *batch, uint32_t at, int error) {
  struct message *message = &batch->messages[at];
  if (message->count > 1 && (error == EIO || error == EINVAL || error == EMSGSIZE)) {
    /* No checksum offload on this route, or an MTU below the segment: single sends from here on. */
    batch->use_gso = 0;
    batch->counters.gso_refused = 1;
    send_singly(batch, message);
  } else if (error == EAGAIN || error == ENOBUFS) {
    batch->counters.drop_full += message->count;
  } else {
    batch->counters.drop_error += message->count;
  }
}

__attribute__((noinline)) void egress_batch_flush(struct egress_batch *batch) {
  if (batch->message_count == 0) return;
  if (batch->finish) batch->finish(batch->finish_arg);
  batch->last->end = (uint32_t)batch->used;
  for (uint32_t m = 0; m < batch->message_count; m++)
    close_piece(&batch->pieces[batch->messages[m].last], &batch->messages[m]);
  join_messages(batch);
  lay_out(batch);
  uint32_t at = 0;
  while (at < batch->message_count) {
    batch->counters.system_calls++;
    int sent = sendmmsg(batch->fd, &batch->headers[at], batch->message_count - at, MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    for (int i = 0; i < sent; i++)
      count_sent(batch, &batch->messages[at + (uint32_t)i]);
    if (sent > 0) at += (uint32_t)sent;
    if (sent < 0) handle_refusal(batch, at++, errno);
  }
  begin(batch);
  batch->piece_count = batch->message_count = 0;
  batch->used = 0;
  batch->used_max = USED_MAX;
}

const struct egress_counters *egress_batch_counters(const struct egress_batch *batch) {
  return &batch->counters;
}
