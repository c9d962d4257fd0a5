/* The list of missing packets and when to ask for each: see rtp/nack_requester.h. */
#include "rtp/nack_requester.h"

#include <string.h>

#define MASK           (NACK_CAPACITY - 1U)
#define DEFAULT_RTT_US 100000

void nack_requester_set_rtt(struct nack_requester *n, int64_t rtt_us) {
  if (rtt_us <= 0) return;
  /* A tenth more than the round trip, so that an answer on its way is not asked for again by jitter. */
  n->retry_us = rtt_us + rtt_us / 10;
  if (n->retry_us < NACK_MIN_RETRY_US) n->retry_us = NACK_MIN_RETRY_US;
}

void nack_requester_init(struct nack_requester *n, int64_t rtt_us) {
  memset(n, 0, offsetof(struct nack_requester, list)); /* its far end is rarely needed: those pages are never touched */
  n->deadline_us = INT64_MAX;
  nack_requester_set_rtt(n, rtt_us > 0 ? rtt_us : DEFAULT_RTT_US);
}

static struct nack_missing *at(struct nack_requester *n, uint32_t index) {
  return &n->list[index & MASK];
}

/* An empty list begins at its beginning. */
static void clear(struct nack_requester *n) {
  n->head = n->tail = 0;
  n->deadline_us = INT64_MAX;
}

void nack_requester_restart(struct nack_requester *n) {
  clear(n);
  n->started = false;
}

/* Frees the places of finished packets at the old end. */
static void trim(struct nack_requester *n) {
  while (n->head != n->tail && at(n, n->head)->done)
    n->head++;
  if (n->head == n->tail) clear(n);
}

/* The list is in sequence order and spans less than half of the number circle: binary search. */
static struct nack_missing *find(struct nack_requester *n, uint16_t seq) {
  uint32_t low = 0, high = n->tail - n->head;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    int16_t difference = (int16_t)(uint16_t)(at(n, n->head + middle)->seq - seq);
    if (difference == 0) return at(n, n->head + middle);
    if (difference < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}

__attribute__((noinline)) static enum nack_event late(struct nack_requester *n, uint16_t seq) {
  struct nack_missing *m = find(n, seq);
  if (!m || m->done) {
    n->duplicates++;
    return NACK_NONE;
  }
  bool asked = m->tries > 0;
  m->done = true;
  trim(n);
  if (!asked) return NACK_NONE;
  n->recovered++;
  return NACK_RECOVERED;
}

/* Those from `first` to the one before `seq` have not come. */
__attribute__((noinline)) static enum nack_event miss(struct nack_requester *n, uint16_t first, uint16_t seq,
                                                      int64_t now_us) {
  const uint16_t gap = (uint16_t)(seq - first);
  if (gap + 1 >= NACK_MAX_DROPOUT || gap > NACK_CAPACITY - (n->tail - n->head)) {
    n->given_up += n->tail - n->head;
    clear(n);
    return NACK_NEED_KEYFRAME;
  }
  for (uint16_t s = first; s != seq; s++) {
    *at(n, n->tail++) = (struct nack_missing){.since_us = now_us, .next_us = now_us + NACK_REORDER_US, .seq = s};
  }
  if (now_us + NACK_REORDER_US < n->deadline_us) n->deadline_us = now_us + NACK_REORDER_US;
  return NACK_NONE;
}

enum nack_event nack_requester_packet(struct nack_requester *n, uint16_t seq, bool keyframe, int64_t now_us) {
  if (!n->started) {
    n->started = true;
    n->highest = seq;
    return NACK_NONE;
  }
  uint16_t delta = (uint16_t)(seq - n->highest);
  if (delta == 0 || delta >= 65536 - NACK_MAX_DROPOUT) return late(n, seq);
  uint16_t first = (uint16_t)(n->highest + 1);
  n->highest = seq;
  if (keyframe) {
    /* Nothing older is needed to decode from here on, and what lies right before the key frame is older. */
    clear(n);
    return NACK_NONE;
  }
  return delta == 1 ? NACK_NONE : miss(n, first, seq, now_us);
}

size_t nack_requester_due(struct nack_requester *n, uint16_t *seqs, size_t max, int64_t now_us) {
  if (now_us < n->deadline_us) return 0;
  size_t count = 0;
  int64_t deadline = INT64_MAX;
  for (uint32_t i = n->head; i != n->tail; i++) {
    struct nack_missing *m = at(n, i);
    if (m->done) continue;
    if (m->next_us <= now_us) {
      if (m->tries >= NACK_MAX_TRIES || now_us - m->since_us > NACK_MAX_AGE_US) {
        m->done = true;
        n->given_up++;
        continue;
      }
      if (count < max) {
        seqs[count++] = m->seq;
        m->tries++;
        m->next_us = now_us + n->retry_us;
      }
    }
    if (m->next_us < deadline) deadline = m->next_us;
  }
  n->requested += count;
  n->deadline_us = deadline;
  trim(n);
  return count;
}

int64_t nack_requester_deadline(const struct nack_requester *n) {
  return n->deadline_us;
}

size_t nack_requester_missing(const struct nack_requester *n) {
  size_t count = 0;
  for (uint32_t i = n->head; i != n->tail; i++)
    count += !n->list[i & MASK].done;
  return count;
}
