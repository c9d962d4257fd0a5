consilium_fuzz(sdp sdp_fuzz.c LINK signaling MAX_LEN 65536)
