/* hex.h -- what a hexadecimal digit is worth. */
#ifndef KIT_HEX_H
#define KIT_HEX_H

/* 0 to 15, of either case; -1 when it is none. */
int hex_digit(char);

/* The byte that two digits spell; -1 when they do not.  Looks at the second
 * only if the first is one, so a string may end before it. */
int hex_byte(const char *);

#endif
