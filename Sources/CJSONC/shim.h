// What Swift cannot import from json-c, or would import awkwardly, as inline functions.
// Everything here reads; ownership stays as json-c documents it.
#ifndef CJSONC_SHIM_H
#define CJSONC_SHIM_H

#include <json-c/json.h>

// json-c offers iteration over an object only as a macro. Members come in the order of the text.
static inline const struct lh_entry *CJSONC_first_member(const struct json_object *object) {
  const struct lh_table *table = json_object_get_object(object);
  return table ? table->head : (const struct lh_entry *)0;
}

static inline const struct lh_entry *CJSONC_next_member(const struct lh_entry *member) { return member->next; }

static inline const char *CJSONC_member_name(const struct lh_entry *member) { return (const char *)member->k; }

static inline struct json_object *CJSONC_member_value(const struct lh_entry *member) {
  return (struct json_object *)member->v;
}

#endif
