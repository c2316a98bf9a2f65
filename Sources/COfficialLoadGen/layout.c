/* Pins the layout of official_loadgen.h: the library is built by another compiler, at another time. */
#include <stddef.h>

#include "official_loadgen.h"

_Static_assert(sizeof(olg_settings) == 272, "olg_settings");
_Static_assert(offsetof(olg_settings, server_coalesce_queries) == 264, "olg_settings");
_Static_assert(sizeof(olg_sample) == 16, "olg_sample");
_Static_assert(sizeof(olg_response) == 32, "olg_response");
_Static_assert(sizeof(olg_callbacks) == 72, "olg_callbacks");
_Static_assert(sizeof(olg_api) == 64, "olg_api");
