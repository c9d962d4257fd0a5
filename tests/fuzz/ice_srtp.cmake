# Fuzzers of the SRTP session and the SCTP association.
include_guard(GLOBAL)
consilium_fuzz(ice_srtp ice_srtp_fuzz.c LINK ice PkgConfig::SRTP)
consilium_fuzz(ice_dcep ice_dcep_fuzz.c LINK ice PkgConfig::SRTP)
consilium_fuzz(ice_sctp ice_sctp_fuzz.c LINK ice PkgConfig::SRTP MAX_LEN 4096)
