/* Active speaker and loudness ranking: see rtp/speaker_detector.h. */
#include "rtp/speaker_detector.h"

#include <stdlib.h>

#define MAX_CAPACITY      4096

/* Time constants of the three windows. */
#define SHORT_US          100000
#define MEDIUM_US         700000
#define LONG_US           4000000

/* Loudness counts from here: -70 dBov is a quiet room. Speech lies 20 to 50 dB above. */
#define FLOOR_DBOV        70
#define SPEAKING          10.0F /* dB above the floor, short window: speech                                */
#define MARGIN            6.0F  /* dB by which a challenger must beat the speaker, medium window           */
#define LONG_DIVISOR      8.0F  /* each 8 dB the speaker leads in the long window add one to the margin    */
#define FORWARDED_BONUS   6.0F  /* those forwarded keep their place against equals                         */
#define STALE_US          60000 /* three packets of 20 ms: later the microphone counts as silent (DTX)     */
#define MAX_PACKET_GAP_US 200000
#define LOUD_BEFORE_TRUST 50 /* loud packets without a single V bit: the sender does not fill it in     */

struct member {
  bool used, forwarded, speaking;
  bool voice_seen;
  float short_db, medium_db, long_db; /* above the floor */
  int64_t last_us;                    /* levels are integrated up to here */
  int64_t spoke_us;                   /* last time above the threshold    */
  uint32_t loud_without_voice;
};

struct speaker_detector {
  uint32_t capacity, high; /* numbers ever used: [0, high) */
  uint32_t active;
  int64_t active_since_us;
  uint32_t ranked;
  struct speaker_rank *ranks;
  struct member members[];
};

int speaker_detector_create(struct speaker_detector **out, uint32_t capacity) {
  if (capacity == 0 || capacity > MAX_CAPACITY) return -1;
  struct speaker_detector *d = calloc(1, sizeof *d + capacity * (sizeof(struct member) + sizeof(struct speaker_rank)));
  if (!d) return -1;
  d->capacity = capacity;
  d->active = SPEAKER_NONE;
  d->ranks = (struct speaker_rank *)(void *)(d->members + capacity);
  *out = d;
  return 0;
}

void speaker_detector_free(struct speaker_detector *d) {
  free(d);
}

uint32_t speaker_detector_add(struct speaker_detector *d) {
  for (uint32_t i = 0; i < d->capacity; i++) {
    if (d->members[i].used) continue;
    d->members[i] = (struct member){.used = true, .last_us = -1, .spoke_us = INT64_MIN};
    if (i >= d->high) d->high = i + 1;
    return i;
  }
  return SPEAKER_NONE;
}

static struct member *member_of(struct speaker_detector *d, uint32_t member) {
  return member < d->high && d->members[member].used ? &d->members[member] : NULL;
}

void speaker_detector_remove(struct speaker_detector *d, uint32_t member) {
  struct member *m = member_of(d, member);
  if (!m) return;
  *m = (struct member){0};
  if (d->active == member) d->active = SPEAKER_NONE;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < d->ranked; i++) {
    if (d->ranks[i].member != member) d->ranks[kept++] = d->ranks[i];
  }
  d->ranked = kept;
}

static void approach(float *value, float target, int64_t dt_us, int64_t constant_us) {
  float share = dt_us >= constant_us ? 1.0F : (float)dt_us / (float)constant_us;
  *value += (target - *value) * share;
}

static void integrate(struct member *m, float loudness, int64_t dt_us) {
  approach(&m->short_db, loudness, dt_us, SHORT_US);
  approach(&m->medium_db, loudness, dt_us, MEDIUM_US);
  approach(&m->long_db, loudness, dt_us, LONG_US);
}

__attribute__((noinline)) void speaker_detector_level(struct speaker_detector *d, uint32_t member, uint8_t level,
                                                      bool voice, int64_t now_us) {
  struct member *m = member_of(d, member);
  if (!m) return;
  int64_t dt = m->last_us < 0 ? 20000 : now_us - m->last_us;
  if (dt < 0) dt = 0;
  if (dt > MAX_PACKET_GAP_US) dt = MAX_PACKET_GAP_US;
  m->last_us = now_us;
  float loudness = level < FLOOR_DBOV ? (float)(FLOOR_DBOV - level) : 0.0F;
  if (voice) {
    m->voice_seen = true;
  } else if (m->voice_seen || m->loud_without_voice < LOUD_BEFORE_TRUST) {
    if (loudness >= SPEAKING && !m->voice_seen) m->loud_without_voice++;
    loudness = 0.0F; /* noise: doors, keyboards */
  }
  integrate(m, loudness, dt);
}

void speaker_detector_mute(struct speaker_detector *d, uint32_t member) {
  struct member *m = member_of(d, member);
  if (!m) return;
  m->short_db = m->medium_db = m->long_db = 0.0F;
  m->speaking = false;
}

/* Brings every member up to now: a microphone that sends nothing is silent. True when somebody's speaking began or ended. */
static bool settle(struct speaker_detector *d, int64_t now_us) {
  bool changed = false;
  for (uint32_t i = 0; i < d->high; i++) {
    struct member *m = &d->members[i];
    if (!m->used) continue;
    if (m->last_us >= 0 && now_us - m->last_us > STALE_US) {
      integrate(m, 0.0F, now_us - m->last_us);
      m->last_us = now_us;
    }
    bool speaking = m->short_db >= SPEAKING;
    if (speaking) m->spoke_us = now_us;
    changed |= speaking != m->speaking;
    m->speaking = speaking;
  }
  return changed;
}

static bool beats(const struct member *challenger, const struct member *speaker) {
  if (!challenger->speaking) return false;
  float lead = speaker->long_db - challenger->long_db;
  float margin = MARGIN + (lead > 0 ? lead / LONG_DIVISOR : 0.0F);
  return challenger->medium_db > speaker->medium_db + margin;
}

static bool choose_active(struct speaker_detector *d, int64_t now_us) {
  uint32_t best = SPEAKER_NONE;
  const struct member *speaker = d->active == SPEAKER_NONE ? NULL : &d->members[d->active];
  static const struct member nobody = {0};
  for (uint32_t i = 0; i < d->high; i++) {
    const struct member *m = &d->members[i];
    if (!m->used || i == d->active || !beats(m, speaker ? speaker : &nobody)) continue;
    if (best == SPEAKER_NONE || m->medium_db > d->members[best].medium_db) best = i;
  }
  if (best == SPEAKER_NONE) return false;
  if (speaker && speaker->speaking && now_us - d->active_since_us < SPEAKER_MIN_HOLD_US) return false;
  d->active = best;
  d->active_since_us = now_us;
  return true;
}

/* Ranking needs the member while sorting plain ranks; qsort has no context argument, so the sort is a heap of our own: small,
 * O(n log n), in place. */
static float score(const struct member *m) {
  float s = m->medium_db + m->short_db / 2;
  return s < 1.0F ? 0.0F : s + (m->forwarded ? FORWARDED_BONUS : 0.0F);
}

/* Whether `a` ranks before `b`: louder; both silent: spoke more recently; then the lower number, for a stable order. */
static bool before(const struct speaker_detector *d, uint32_t a, uint32_t b) {
  const struct member *x = &d->members[a], *y = &d->members[b];
  float sx = score(x), sy = score(y);
  if (sx != sy) return sx > sy;
  if (x->spoke_us != y->spoke_us) return x->spoke_us > y->spoke_us;
  if (x->forwarded != y->forwarded) return x->forwarded;
  return a < b;
}

static void sift_down(struct speaker_detector *d, uint32_t root, uint32_t end) {
  for (;;) {
    uint32_t child = 2 * root + 1;
    if (child >= end) return;
    if (child + 1 < end && before(d, d->ranks[child].member, d->ranks[child + 1].member)) child++;
    if (!before(d, d->ranks[root].member, d->ranks[child].member)) return;
    struct speaker_rank swap = d->ranks[root];
    d->ranks[root] = d->ranks[child];
    d->ranks[child] = swap;
    root = child;
  }
}

static void rank(struct speaker_detector *d) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < d->high; i++) {
    const struct member *m = &d->members[i];
    if (!m->used) continue;
    float level = m->short_db > 0.5F ? m->short_db + (127 - FLOOR_DBOV) : 0.0F;
    d->ranks[n++] = (struct speaker_rank){.member = i, .level = (uint8_t)level, .speaking = m->speaking};
  }
  d->ranked = n;
  for (uint32_t i = n / 2; i-- > 0;)
    sift_down(d, i, n);
  for (uint32_t end = n; end > 1; end--) {
    struct speaker_rank last = d->ranks[end - 1];
    d->ranks[end - 1] = d->ranks[0];
    d->ranks[0] = last;
    sift_down(d, 0, end - 1);
  }
}

bool speaker_detector_update(struct speaker_detector *d, int64_t now_us) {
  bool changed = settle(d, now_us);
  changed |= choose_active(d, now_us);
  rank(d);
  return changed;
}

uint32_t speaker_detector_active(const struct speaker_detector *d) {
  return d->active;
}

size_t speaker_detector_loudest(const struct speaker_detector *d, struct speaker_rank *out, size_t max) {
  size_t n = d->ranked < max ? d->ranked : max;
  for (size_t i = 0; i < n; i++)
    out[i] = d->ranks[i];
  return n;
}

void speaker_detector_set_forwarded(struct speaker_detector *d, const uint32_t *members, size_t count) {
  for (uint32_t i = 0; i < d->high; i++)
    d->members[i].forwarded = false;
  for (size_t i = 0; i < count; i++) {
    struct member *m = member_of(d, members[i]);
    if (m) m->forwarded = true;
  }
}
