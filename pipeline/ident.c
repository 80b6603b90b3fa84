/* ident.c -- see ident.h. */
#include "pipeline/ident.h"

#include <string.h>

#include "pipeline/moment.h"

bool
ident_id_ok(const char *id)
{
	return moment_is_stamp(id) &&
	    (strcmp(id + STAMP_LEN, "-auto") == 0 ||
		strcmp(id + STAMP_LEN, "-manual") == 0);
}

bool
ident_instance_ok(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	size_t n = strlen(name);

	return n > 0 && n <= IDENT_MAX && strspn(name, allowed) == n &&
	    *name != '.' && *name != '-';
}

bool
ident_object_ok(const char *name)
{
	return ident_instance_ok(name);
}
