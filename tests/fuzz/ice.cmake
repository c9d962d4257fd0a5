# Fuzzers of ice/: SRTP and SCTP list their own.
include(ice_srtp.cmake OPTIONAL)
set(ice_clients ../ice/dtls_client.c ../ice/stun_client.c)
consilium_fuzz(ice_demux ice_demux_fuzz.c LINK ice PkgConfig::SRTP)
consilium_fuzz(ice_stun ice_stun_fuzz.c ${ice_clients} LINK ice PkgConfig::SRTP)
consilium_fuzz(ice_transport ice_transport_fuzz.c ${ice_clients} LINK ice PkgConfig::SRTP MAX_LEN 4096)
