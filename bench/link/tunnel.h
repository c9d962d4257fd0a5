/* bench/link/tunnel.h: a TUN device with an address, in the network namespace in which the caller is. Needs CAP_NET_ADMIN. */
#ifndef BENCH_LINK_TUNNEL_H
#define BENCH_LINK_TUNNEL_H

#define TUNNEL_OUTSIDE "10.77.%d.1"
#define TUNNEL_INSIDE  "10.77.%d.2"

/* The open, non-blocking device, or -1 with a word on stderr. It goes with its file descriptor. */
int tunnel_open(const char *name, const char *address, const char *peer);
/* From now on this process is in a namespace of its own, with nothing but loopback. 0 or -1. */
int tunnel_leave_network(void);
/* Everything goes through this device. 0 or -1. */
int tunnel_default_route(const char *gateway);

#endif
