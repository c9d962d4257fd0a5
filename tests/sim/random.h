/* tests/sim/random.h: the only source of chance: xoshiro256**, seeded by splitmix64, one generator per place that draws, so that a
 * change in one place does not shuffle the others. */
#ifndef TESTS_SIM_RANDOM_H
#define TESTS_SIM_RANDOM_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

struct sim_random {
  uint64_t s[4];
};

static inline void sim_random_init(struct sim_random *r, uint64_t seed, uint64_t place) {
  uint64_t x = seed * 0x9e3779b97f4a7c15ULL + place * 0xd1342543de82ef95ULL + 1;
  for (int i = 0; i < 4; i++) {
    x += 0x9e3779b97f4a7c15ULL;
    uint64_t z = x;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    r->s[i] = z ^ (z >> 31);
  }
}

static inline uint64_t sim_random_bits(struct sim_random *r) {
  uint64_t *s = r->s, m = s[1] * 5, result = (m << 7 | m >> 57) * 9, t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = s[3] << 45 | s[3] >> 19;
  return result;
}

/* [0, 1) */
static inline double sim_uniform(struct sim_random *r) {
  return (double)(sim_random_bits(r) >> 11) / 9007199254740992.0;
}

static inline bool sim_chance(struct sim_random *r, double p) {
  return p > 0 && sim_uniform(r) < p;
}

static inline double sim_gauss(struct sim_random *r) {
  double u = 1 - sim_uniform(r), v = sim_uniform(r);
  return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static inline double sim_exponential(struct sim_random *r, double mean) {
  return -mean * log(1 - sim_uniform(r));
}

#endif
