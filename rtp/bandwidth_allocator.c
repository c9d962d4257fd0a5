/* Shares of a downlink: see rtp/bandwidth_allocator.h. */
#include "rtp/bandwidth_allocator.h"

#include <string.h>

#define STEPS          (LAYER_MAX * LAYER_TEMPORAL_MAX)
#define NONE           (-1)
#define OVERHEAD_BITS  704 /* 88 bytes a packet: RTP with our extensions 40, SRTP 16, UDP and IP 28 to 48 */
#define PACKET_BITS    9000
#define SLOW_PACKETS   15 /* small frames are packets that are not full */
#define SMOOTHING      0.25
/* Of the cost of all frames of the smaller picture: what half of the frames of the larger one must cost to be a step. */
#define SPARSE_PERCENT 150

/* Rates of layers that were not measured yet: what the usual three encodings of a camera are set to. */
static const double nominal_bps[LAYER_MAX] = {150e3, 500e3, 1700e3, 3500e3};

/* Share of a layer's rate up to each temporal layer: as rtp/layer_selector.c. */
static const uint8_t temporal_percent[LAYER_TEMPORAL_MAX][LAYER_TEMPORAL_MAX] = {
    {100, 100, 100, 100}, {60, 100, 100, 100}, {40, 60, 100, 100}, {25, 40, 60, 100}};

const char *allocation_reason_name(enum allocation_reason reason) {
  static const char *const names[] = {"full", "hidden", "no_source", "bandwidth", "stalled"};
  return (unsigned)reason < 5 ? names[reason] : "unknown";
}

uint64_t bandwidth_allocator_wire_bps(uint64_t media_bps) {
  return media_bps + (media_bps / PACKET_BITS + SLOW_PACKETS) * OVERHEAD_BITS;
}

struct step {
  int layer;
  uint8_t temporal;
  uint64_t bps;
};

struct ladder {
  struct step steps[STEPS];
  int count;   /* wanted steps */
  int current; /* index granted last, NONE */
  int granted; /* index now, NONE */
};

static uint8_t temporal_count(const struct layer_state *l) {
  uint8_t count = l->temporal_count ? l->temporal_count : 1;
  return count < LAYER_TEMPORAL_MAX ? count : LAYER_TEMPORAL_MAX;
}

static double smoothed_bps(const struct allocation_slot *s, const struct layer_state *l, int layer) {
  struct allocation_memory *m = s->memory;
  double measured = (double)l->bitrate_bps;
  if (measured <= 0) return m->layer_bps[layer] > 0 ? m->layer_bps[layer] : nominal_bps[layer];
  bool asked_for = s->held_back && measured < m->layer_bps[layer];
  if (m->layer_bps[layer] <= 0 || asked_for) m->layer_bps[layer] = measured;
  m->layer_bps[layer] += SMOOTHING * (measured - m->layer_bps[layer]);
  return m->layer_bps[layer];
}

/* Too many of its frames would not be whole in time. */
static bool is_fragile(const struct allocation_slot *s, int layer, double bps, double loss) {
  double packets = bps / ALLOCATION_FRAME_RATE / PACKET_BITS;
  double broken = (packets > 1 ? packets : 1) * loss * loss * loss;
  return broken > (layer + 1 > s->memory->layer ? ALLOCATION_BROKEN_SHARE_UP : ALLOCATION_BROKEN_SHARE);
}

/* The steps a slot wants, cheapest first. */
static void build(struct allocation_slot *s, double loss, struct ladder *ladder) {
  *ladder = (struct ladder){.current = NONE, .granted = NONE};
  struct allocation_memory *m = s->memory;
  struct layer_request wish = {.width = s->width,
                               .height = s->height,
                               .max_bitrate_bps = LAYER_NO_CAP,
                               .max_temporal = LAYER_TEMPORAL_MAX - 1,
                               .current = m->layer - 1};
  struct layer_choice top = layer_selector_choose(s->layers, s->layer_count, &wish);
  s->wanted = top.layer;
  for (int i = 0; i <= top.layer && i < LAYER_MAX; i++) {
    if (!s->layers[i].live) continue;
    double bps = smoothed_bps(s, &s->layers[i], i);
    if (ladder->count && is_fragile(s, i, bps, loss)) break;
    uint8_t count = temporal_count(&s->layers[i]), first = ladder->count && !s->screen && count > 1 ? 1 : 0;
    if (s->held_back && s->held != LAYER_NONE && i > s->held && i + 1 > m->layer) first = (uint8_t)(count - 1);
    for (uint8_t t = first; t < count; t++) {
      uint64_t cost = bandwidth_allocator_wire_bps((uint64_t)(bps * temporal_percent[count - 1][t] / 100));
      /* Half of the frames of a larger picture for little more than all of the smaller one: movement is worth more. But where the
       * larger one flows already, that is the smaller step down: neither that nor the way back needs a key frame. */
      bool sparse = first && t + 1 < count && i + 1 > m->layer;
      if (sparse && ladder->steps[ladder->count - 1].bps * SPARSE_PERCENT / 100 >= cost) continue;
      /* A layer whose publisher sends less on it than on the smaller one: the larger picture is the better one. */
      while (ladder->count && ladder->steps[ladder->count - 1].bps >= cost)
        ladder->count--;
      ladder->steps[ladder->count++] = (struct step){.layer = i, .temporal = t, .bps = cost};
    }
  }
  for (int i = 0; i < ladder->count; i++) {
    const struct step *step = &ladder->steps[i];
    bool within = step->layer + 1 < m->layer || (step->layer + 1 == m->layer && step->temporal + 1 <= m->temporal);
    if (m->layer && within) ladder->current = i;
  }
}

static uint64_t cost_of(const struct ladder *l, int index) {
  return index == NONE ? 0 : l->steps[index].bps;
}

struct purse {
  struct allocation *a;
  int64_t now_us;
  uint64_t budget_bps, spent_bps; /* for pictures */
  uint64_t refused_bps;           /* total that the first refused step would have needed; 0: none */
};

/* May `s` go from its granted step to the next? */
static bool affordable(struct purse *p, const struct allocation_slot *s, const struct ladder *l) {
  int next = l->granted + 1;
  uint64_t total = p->spent_bps - cost_of(l, l->granted) + cost_of(l, next);
  bool up = next > l->current;
  /* The rest of the frames of a layer that its publisher keeps to this link: no key frame, and no more than it was told. */
  bool kept = s->held_back && next > 0 && l->steps[next].layer == s->memory->layer - 1;
  uint64_t headroom = next == 0 ? ALLOCATION_BASE_PERCENT : kept ? 100 : ALLOCATION_UP_PERCENT;
  uint64_t needed = up ? total * headroom / 100 : total;
  bool fits = needed <= p->budget_bps;
  bool proven = !up || next == 0 || p->a->audio_bps + total <= p->a->proven_bps;
  /* A step that failed may be tried before its time when far more than it needs is proven: the link has changed. */
  bool changed = s->memory->backoff_us <= ALLOCATION_CHANGED_US &&
                 p->a->proven_bps >= (p->a->audio_bps + total) * ALLOCATION_CHANGED_PERCENT / 100;
  uint64_t percent = s->held_back ? ALLOCATION_CHEAPER_PERCENT : ALLOCATION_CHEAP_PERCENT;
  bool cheaper = l->steps[next].bps * 100 < s->memory->failed_bps * percent;
  bool long_gone = next == 0 && p->now_us - s->memory->gone_us >= ALLOCATION_GONE_US;
  bool due = p->now_us >= s->memory->retry_us || changed || cheaper || long_gone || kept;
  bool allowed = !up || (due && !p->a->queue);
  if (fits && proven && allowed) {
    p->spent_bps = total;
    return true;
  }
  if (!p->refused_bps)
    p->refused_bps = up && p->now_us < s->memory->retry_us ? total * ALLOCATION_CHANGED_PERCENT / 100 : needed;
  return false;
}

static void share(struct purse *p, struct ladder *ladders) {
  struct allocation *a = p->a;
  for (int round = 0; round < 2; round++) {
    for (int importance = ALLOCATION_PINNED; importance <= ALLOCATION_THUMBNAIL; importance++) {
      for (size_t i = 0; i < a->slot_count; i++) {
        struct ladder *l = &ladders[i];
        if ((int)a->slots[i].importance != importance) continue;
        int end = round == 0 ? (l->count > 0) : l->count;
        if (round == 1 && l->granted == NONE) continue;
        while (l->granted + 1 < end && affordable(p, &a->slots[i], l))
          l->granted++;
      }
    }
  }
}

/* What happened to a slot since the last run, for the next ones. */
static void remember(struct allocation_slot *s, const struct ladder *l, int64_t now_us) {
  struct allocation_memory *m = s->memory;
  if (l->count == 0 && s->width && s->height) return; /* its source is away, and goes on where it was */
  if (l->granted > l->current) {
    /* Long without a failure although it was tried: the old ones are forgotten. */
    if (now_us - m->retry_us > INT64_C(2) * ALLOCATION_FAILED_US) m->backoff_us = 0;
    m->raised_us = now_us;
  } else if (l->granted < l->current) {
    bool kept = s->held_back && l->granted != NONE && l->steps[l->granted].layer == m->layer - 1;
    bool failed = m->raised_us && now_us - m->raised_us < ALLOCATION_FAILED_US && !kept;
    if (failed) {
      m->backoff_us = m->backoff_us ? m->backoff_us * 2 : ALLOCATION_BACKOFF_US;
      if (m->backoff_us > ALLOCATION_BACKOFF_MAX_US) m->backoff_us = ALLOCATION_BACKOFF_MAX_US;
      m->retry_us = now_us + m->backoff_us;
      m->raised_us = 0;
      m->failed_bps = cost_of(l, l->current);
    }
  }
  if (l->granted == NONE && m->layer) m->gone_us = now_us;
  m->layer = l->granted == NONE ? 0 : (int8_t)(l->steps[l->granted].layer + 1);
  m->temporal = l->granted == NONE ? 0 : (int8_t)(l->steps[l->granted].temporal + 1);
}

static void tell(struct allocation *a, struct allocation_slot *s, const struct ladder *l) {
  bool hidden = s->width == 0 || s->height == 0;
  s->layer = l->granted == NONE ? LAYER_NONE : l->steps[l->granted].layer;
  s->max_temporal = l->granted == NONE ? 0 : l->steps[l->granted].temporal;
  /* The whole layer: temporal ids that were not seen yet may come. */
  if (l->granted != NONE && s->max_temporal + 1 >= temporal_count(&s->layers[s->layer]))
    s->max_temporal = LAYER_TEMPORAL_MAX - 1;
  s->bps = cost_of(l, l->granted);
  s->reason = hidden                       ? ALLOCATION_HIDDEN
              : l->count == 0              ? ALLOCATION_NO_SOURCE
              : l->granted + 1 == l->count ? ALLOCATION_FULL
              : a->stalled                 ? ALLOCATION_STALLED
                                           : ALLOCATION_BANDWIDTH;
}

static uint64_t room_of(const struct allocation_slot *s, uint64_t budget_bps, uint64_t spent_bps, bool rest) {
  if (budget_bps >= spent_bps) return s->bps + (rest ? budget_bps - spent_bps : 0);
  uint64_t over_bps = spent_bps - budget_bps;
  return s->bps > over_bps ? s->bps - over_bps : 1;
}

/* What is left over is offered to one slot only: two publishers that both raised their rates for it would overdo it. */
static void offer_rest(struct allocation *a, uint64_t budget_bps, uint64_t spent_bps) {
  uint64_t proven_bps = a->proven_bps > a->audio_bps ? a->proven_bps - a->audio_bps : 0;
  if (proven_bps > budget_bps) proven_bps = budget_bps;
  bool offered = false;
  for (int importance = ALLOCATION_PINNED; importance <= ALLOCATION_THUMBNAIL; importance++) {
    for (size_t i = 0; i < a->slot_count; i++) {
      struct allocation_slot *s = &a->slots[i];
      if ((int)s->importance != importance || s->wanted == LAYER_NONE) continue;
      bool rest = !offered && (s->reason == ALLOCATION_BANDWIDTH || s->held_back);
      offered |= rest;
      s->room_bps = room_of(s, budget_bps, spent_bps, rest);
      s->proven_room_bps = room_of(s, proven_bps, spent_bps, rest);
    }
  }
}

/* Over budget by a little, without a queue, for a moment: the estimate may be wrong. Then what flows may go on flowing. So may
 * what its publisher is just making smaller. */
static uint64_t with_patience(struct allocation *a, uint64_t current, uint64_t asked, uint64_t budget_bps,
                              int64_t now_us) {
  if (current <= budget_bps) {
    a->memory->over_since_us = 0;
    return budget_bps;
  }
  if (a->memory->over_since_us == 0) a->memory->over_since_us = now_us;
  bool calm = !a->queue || now_us - a->memory->raised_us < ALLOCATION_GRACE_US;
  bool patient = (calm || (asked * 2 > current && !a->settling)) &&
                 now_us - a->memory->over_since_us < ALLOCATION_PATIENCE_US &&
                 current <= budget_bps * ALLOCATION_PATIENCE_PERCENT / 100;
  return patient ? current : budget_bps;
}

void bandwidth_allocator_run(struct allocation *a, int64_t now_us) {
  static struct ladder ladders[ALLOCATION_SLOTS]; /* one loop; 9 KB that need no zeroing */
  if (a->slot_count > ALLOCATION_SLOTS) a->slot_count = ALLOCATION_SLOTS;
  uint64_t wanted = 0, current = 0, asked = 0;
  bool any_wanted = false, any_granted = false;
  a->memory->loss += ALLOCATION_LOSS_SMOOTHING * (a->loss - a->memory->loss);
  for (size_t i = 0; i < a->slot_count; i++) {
    build(&a->slots[i], a->memory->loss, &ladders[i]);
    wanted += cost_of(&ladders[i], ladders[i].count - 1);
    current += cost_of(&ladders[i], ladders[i].current);
    asked += a->slots[i].held_back ? cost_of(&ladders[i], ladders[i].current) : 0;
    any_wanted |= ladders[i].count > 0;
  }
  uint64_t carried = (uint64_t)((double)a->target_bps * (1 - (a->loss < 0.5 ? a->loss : 0.5)));
  struct purse purse = {.a = a, .now_us = now_us, .budget_bps = carried > a->audio_bps ? carried - a->audio_bps : 0};
  bool hold = a->stalled || (a->draining && current > purse.budget_bps);
  uint64_t room_bps = hold ? 0 : purse.budget_bps;
  if (a->settling) purse.budget_bps = purse.budget_bps * ALLOCATION_SETTLING_PERCENT / 100;
  purse.budget_bps = hold ? 0 : with_patience(a, current, asked, purse.budget_bps, now_us);
  share(&purse, ladders);
  for (size_t i = 0; i < a->slot_count; i++) {
    any_granted |= ladders[i].granted != NONE;
    if (ladders[i].granted > ladders[i].current) a->memory->raised_us = now_us;
    if (!hold) remember(&a->slots[i], &ladders[i], now_us);
    tell(a, &a->slots[i], &ladders[i]);
  }
  if (room_bps) offer_rest(a, room_bps, purse.spent_bps);
  double kept = a->target_bps ? (double)carried / (double)a->target_bps : 1;
  a->used_bps = a->audio_bps + purse.spent_bps;
  a->next_bps = purse.refused_bps ? (uint64_t)((double)(a->audio_bps + purse.refused_bps) / kept) : 0;
  a->most_bps =
      wanted ? (uint64_t)(((double)a->audio_bps + (double)wanted * ALLOCATION_UP_PERCENT / 100) / kept) : a->audio_bps;
  a->audio_only = any_wanted && !any_granted;
  a->reason = !a->audio_only ? ALLOCATION_FULL : a->stalled ? ALLOCATION_STALLED : ALLOCATION_BANDWIDTH;
}
