// SPDX-License-Identifier: Apache-2.0
// Whether PCRE2 can compile a regular expression.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "rules/clamav/pcre.h"

#include <pcre2.h>

enum { ERROR_BYTES = 120 };

enum ov_status ov_clamav_pcre_try(struct ov_parser *parser, struct ov_span regex, uint32_t options,
                                  const uint8_t *at) {
    int error = 0;
    PCRE2_SIZE place = 0;
    pcre2_code *code = pcre2_compile(regex.data, regex.size, options, &error, &place, NULL);
    if (code != NULL) {
        pcre2_code_free(code);
        return OV_OK;
    }
    if (error == PCRE2_ERROR_HEAP_FAILED || error == PCRE2_ERROR_NOMEMORY) {
        return OV_MEMORY;
    }
    PCRE2_UCHAR message[ERROR_BYTES];
    if (pcre2_get_error_message(error, message, sizeof message) < 0) {
        message[0] = '\0';
    }
    at = at != NULL ? at : regex.data + (place < regex.size ? place : regex.size);
    return ov_parser_fail(parser, at, "regular expression: %s,", (const char *)message);
}
