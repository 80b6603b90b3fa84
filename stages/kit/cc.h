/* cc.h -- the compiler words we use; no other header defines such macros. */
#ifndef KIT_CC_H
#define KIT_CC_H

#define MUST_USE       __attribute__((warn_unused_result))
#define PRINTF_LIKE(f) __attribute__((format(printf, f, (f) + 1)))
#define COUNT_OF(a)    (sizeof(a) / sizeof *(a))

#endif
