// SPDX-License-Identifier: Apache-2.0
// Marks of HTML and XML; they may stand anywhere in the first bytes.
#include "format/format.h"

// In small or in capital letters, not mixed, as clamscan knows them.
static const struct ov_magic magics_html[] = {
    OV_MAGIC(OV_MAGIC_ANYWHERE, "<html>"),  OV_MAGIC(OV_MAGIC_ANYWHERE, "<HTML>"),
    OV_MAGIC(OV_MAGIC_ANYWHERE, "<head>"),  OV_MAGIC(OV_MAGIC_ANYWHERE, "<HEAD>"),
    OV_MAGIC(OV_MAGIC_ANYWHERE, "<img"),    OV_MAGIC(OV_MAGIC_ANYWHERE, "<IMG"),
    OV_MAGIC(OV_MAGIC_ANYWHERE, "<script"), OV_MAGIC(OV_MAGIC_ANYWHERE, "<SCRIPT"),
    OV_MAGIC(OV_MAGIC_ANYWHERE, "<iframe"), OV_MAGIC(OV_MAGIC_ANYWHERE, "<IFRAME"),
    OV_MAGIC(OV_MAGIC_ANYWHERE, "<table"),  OV_MAGIC(OV_MAGIC_ANYWHERE, "<TABLE"),
    OV_MAGIC(OV_MAGIC_ANYWHERE, "<object"), OV_MAGIC(OV_MAGIC_ANYWHERE, "<OBJECT"),
};
static const struct ov_magic magics_screnc[] = {OV_MAGIC(0, "#@~^")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_HTML, OV_MAGICS(magics_html)},
    {.type = OV_FILETYPE_SCRENC, OV_MAGICS(magics_screnc)},
};

OV_FORMAT_SET(markup, formats);
