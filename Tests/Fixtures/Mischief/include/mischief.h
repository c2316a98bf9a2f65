/* Mischief has no interface but the plugin's entry; SwiftPM wants a public header for a C target. */
#ifndef MISCHIEF_H
#define MISCHIEF_H
#endif
