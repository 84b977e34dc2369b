/* Who this process is, so that another one can tell, perhaps on another host, whether it still lives. */
#ifndef MPJ_IO_IDENTITY_H
#define MPJ_IO_IDENTITY_H

#include <stdint.h>

/* getpid without a system call, for what is asked at every step: whether this is still the process that began it. */
long mpj_process_id(void);

/* A checksum of host name, boot and process-number namespace: who is on "the same host". */
uint64_t mpj_place(void);

/* When a process started, in clock ticks since boot; 0: unknown. process: its number, or "self". */
unsigned long long mpj_process_start(const char *process);

/* 64 random bits. */
uint64_t mpj_random_token(void);

typedef enum mpj_process_state {
    MPJ_PROCESS_LIVES,
    MPJ_PROCESS_GONE,
    MPJ_PROCESS_ELSEWHERE /* another host or container, or nobody can tell */
} mpj_process_state;

mpj_process_state mpj_process_look(uint64_t place, long pid, unsigned long long start);

#endif
