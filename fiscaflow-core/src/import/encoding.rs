//! From bytes to text: byte order marks, UTF-8, UTF-16 and the Windows code pages.
