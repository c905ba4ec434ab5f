// SPDX-License-Identifier: Apache-2.0
// What a text is when the whole of it is looked at.
#include "scan/retype.h"

#include "format/mail/mail_signs.h"
#include "scan/identify.h"

static bool is_also(const struct ov_embedded_search *embedded, enum ov_filetype type) {
    for (uint32_t i = 0; i < embedded->also_count; i++) {
        if (embedded->also[i] == type) {
            return true;
        }
    }
    return false;
}

// A script that writes pages has signs of HTML in it and is none; clamscan excepts these alone.
static bool is_autoit_script(const struct ov_subject *subject) {
    return subject->container != NULL && subject->container->type == OV_FILETYPE_AUTOIT;
}

enum ov_filetype ov_retype(const struct ov_subject *subject,
                           const struct ov_embedded_search *embedded) {
    bool is_text = subject->type == OV_FILETYPE_TEXT_ASCII;
    bool is_known = is_text && subject->bytes.size <= OV_IDENTIFY_BYTES; // all of it was looked at
    bool is_other = !is_text && subject->type != OV_FILETYPE_GIF;
    if (is_known || is_other || is_also(embedded, OV_FILETYPE_MHTML)) {
        return OV_FILETYPE_NONE;
    }
    if (ov_mail_has_mail_sign(subject->bytes)) {
        return is_text ? OV_FILETYPE_MAIL : OV_FILETYPE_NONE;
    }
    bool is_html = !is_autoit_script(subject) && ov_identify_has_html(subject->bytes);
    return is_html ? OV_FILETYPE_HTML : OV_FILETYPE_NONE;
}
