// The first file of this library replaces this one.
