// The system's zlib, which inflates what exporters compress.
#include <zlib.h>
