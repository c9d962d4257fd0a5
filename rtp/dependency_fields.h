/* rtp/dependency_fields.h: what the two files of the dependency descriptor share. Internal to rtp/. */
#ifndef RTP_DEPENDENCY_FIELDS_H
#define RTP_DEPENDENCY_FIELDS_H

#include "rtp/cursor.h"
#include "rtp/dependency_descriptor.h"

/* A.8.2 template_dependency_structure(). *s is complete only when this returns RTP_OK. */
int rtp_dependency_read_structure(struct rtp_bits *b, struct rtp_dependency_structure *s);

#endif
