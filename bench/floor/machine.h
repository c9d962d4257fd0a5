/* bench/floor/machine.h: what every part of the floor asks of the machine: time, a core, sockets; and the packet that it seals. */
#ifndef BENCH_FLOOR_MACHINE_H
#define BENCH_FLOOR_MACHINE_H

#include <netinet/in.h>
#include <srtp2/srtp.h>
#include <stddef.h>
#include <stdint.h>

#include "ice/srtp_session.h"

double machine_now_ns(void);
/* Stays on this CPU; -1: anywhere. */
void machine_pin(int cpu);
/* Sorts them. */
double machine_median(double *samples, unsigned count);

/* A UDP socket on the loopback interface with buffers of so many bytes, bound. The descriptor, or -errno. */
int machine_socket(struct sockaddr_in *bound, int buffer_bytes);

/* An RTP header with one extension, as Chromium's packets have it. */
#define MACHINE_HEADER_BYTES 20
void machine_write_header(uint8_t *out, uint32_t ssrc, uint16_t seq);
/* libsrtp2's context for sending under the first key and salt of `key` (64 bytes). 0, or -1. */
int machine_open_libsrtp(srtp_t *out, enum srtp_profile profile, const uint8_t *key);

#endif
