/* ice/sctp_stack.c: usrsctp's process-wide state: start, stop, timers, and the way from its opaque ids to associations. */
#include <stdlib.h>
#include <string.h>

#include "ice/sctp_internal.h"

/* An id is generation || slot. usrsctp writes it into state cookies, which the peer sees: never a pointer. */
#define SLOT_BITS                12
#define SLOT_MASK                ((1u << SLOT_BITS) - 1)
#define ASSOCIATIONS_OF_A_SOCKET 1 /* one to one: its table needs no 256 lists */
_Static_assert(SCTP_MAX_ASSOCIATIONS == SLOT_MASK + 1, "a slot fits its bits");
/* usrsctp frees closed endpoints from its timers; this many ticks of 100 ms are far more than it needs. */
#define STOP_TICKS 2000

static struct sctp_stack *running;

struct sctp_stack *sctp_stack_running(void) {
  return running;
}

static int output(void *addr, void *buffer, size_t length, uint8_t tos, uint8_t set_df) {
  (void)tos;
  (void)set_df;
  struct sctp_association *a = running ? sctp_stack_find(running, (uintptr_t)addr) : NULL;
  if (a != NULL) a->listener.send_packet(buffer, length, a->listener.arg);
  return 0;
}

static void configure_library(void) {
  /* Extensions that data channels don't use are attack surface. Needed: PR-SCTP and stream reset (RFC 8831 §5). */
  usrsctp_tunable_set_sctp_pcbtblsize(ASSOCIATIONS_OF_A_SOCKET);
  usrsctp_sysctl_set_sctp_ecn_enable(0);
  usrsctp_sysctl_set_sctp_auto_asconf(0);
  usrsctp_sysctl_set_sctp_asconf_enable(0); /* before auth, which it needs */
  usrsctp_sysctl_set_sctp_auth_enable(0);
  usrsctp_sysctl_set_sctp_nrsack_enable(0);
  usrsctp_sysctl_set_sctp_pktdrop_enable(0);
  usrsctp_sysctl_set_sctp_pr_enable(1);
  usrsctp_sysctl_set_sctp_reconfig_enable(1);
  /* No answer to packets that belong to no association: DTLS peers don't need to be told. */
  usrsctp_sysctl_set_sctp_blackhole(2);
  /* Bounds the memory of many tiny messages in either direction; 1 MiB in full packets is 900 chunks. */
  usrsctp_sysctl_set_sctp_max_chunks_on_queue(1024);
  usrsctp_sysctl_set_sctp_nr_outgoing_streams_default(SCTP_MAX_STREAMS);
  usrsctp_sysctl_set_sctp_nr_incoming_streams_default(SCTP_MAX_STREAMS);
}

int sctp_stack_create(struct sctp_stack **out) {
  if (running != NULL) return SCTP_BAD_ARGUMENT;
  struct sctp_stack *stack = calloc(1, sizeof *stack);
  if (stack == NULL) return SCTP_NO_MEMORY;
  stack->last_tick_us = -1;
  usrsctp_init_nothreads(0, output, NULL);
  configure_library();
  running = stack;
  *out = stack;
  return SCTP_OK;
}

void sctp_stack_free(struct sctp_stack *stack) {
  if (stack == NULL) return;
  for (int i = 0; i < STOP_TICKS && usrsctp_finish() != 0; i++)
    usrsctp_handle_timers(100);
  running = NULL;
  free(stack);
}

int sctp_stack_add(struct sctp_stack *stack, struct sctp_association *a) {
  if (stack->count == SCTP_MAX_ASSOCIATIONS) return SCTP_NO_MEMORY;
  size_t slot = stack->next_slot;
  while (stack->associations[slot] != NULL)
    slot = (slot + 1) % SCTP_MAX_ASSOCIATIONS;
  stack->next_slot = (slot + 1) % SCTP_MAX_ASSOCIATIONS;
  /* Timers of a first association must not see the time during which nobody ticked. */
  if (stack->count++ == 0) stack->last_tick_us = -1;
  stack->associations[slot] = a;
  a->id = (uintptr_t)(++stack->generation & 0x7ffff) << SLOT_BITS | slot;
  if (a->id == 0) a->id = (uintptr_t)1 << (SLOT_BITS + 19);
  return SCTP_OK;
}

static void unlink_ready(struct sctp_stack *stack, struct sctp_association *a) {
  struct sctp_association *previous = NULL;
  if (!a->is_ready) return;
  for (struct sctp_association *p = stack->ready; p != a; p = p->next_ready)
    previous = p;
  *(previous ? &previous->next_ready : &stack->ready) = a->next_ready;
  if (stack->ready_tail == a) stack->ready_tail = previous;
  a->next_ready = NULL;
  a->is_ready = 0;
}

void sctp_stack_mark_ready(struct sctp_association *a) {
  struct sctp_stack *stack = a->stack;
  if (a->is_ready) return;
  a->is_ready = 1;
  a->next_ready = NULL;
  *(stack->ready_tail ? &stack->ready_tail->next_ready : &stack->ready) = a;
  stack->ready_tail = a;
}

void sctp_stack_remove(struct sctp_stack *stack, struct sctp_association *a) {
  unlink_ready(stack, a);
  stack->associations[a->id & SLOT_MASK] = NULL;
  stack->count--;
}

struct sctp_association *sctp_stack_find(const struct sctp_stack *stack, uintptr_t id) {
  struct sctp_association *a = stack->associations[id & SLOT_MASK];
  return a != NULL && a->id == id ? a : NULL;
}

static void drain_ready(struct sctp_stack *stack) {
  /* Only those ready now: whoever becomes ready meanwhile goes to the end and waits for the next tick. */
  size_t todo = 0;
  for (struct sctp_association *a = stack->ready; a != NULL; a = a->next_ready)
    todo++;
  while (todo-- > 0 && stack->ready != NULL) {
    struct sctp_association *a = stack->ready;
    unlink_ready(stack, a);
    sctp_association_drain(a);
  }
}

void sctp_stack_tick(struct sctp_stack *stack, int64_t now_us) {
  if (stack->last_tick_us < 0) stack->last_tick_us = now_us;
  int64_t elapsed_ms = (now_us - stack->last_tick_us) / 1000;
  if (elapsed_ms < 0) return;
  if (elapsed_ms > 0) {
    stack->last_tick_us += elapsed_ms * 1000;
    usrsctp_handle_timers(elapsed_ms > INT32_MAX ? INT32_MAX : (uint32_t)elapsed_ms);
  }
  drain_ready(stack);
}

int64_t sctp_stack_deadline(const struct sctp_stack *stack) {
  if (stack->count == 0) return INT64_MAX;
  return stack->last_tick_us < 0 ? 0 : stack->last_tick_us + SCTP_TICK_US;
}
