// SPDX-License-Identifier: Apache-2.0
//
// What package databases, accounts, units and rules of a place say, as evidence and powers: the
// files are opened here, read in a cage, and their facts held against the table of products.
#pragma once

#include "inventory/paths.h"

// What was read so far, for the report's methods; begins with zeros.
struct ov_survey_sums {
    size_t files[32]; // by enum ov_survey_source
    uint64_t entries[32];
};

// Reads all files of a place that say something. What cannot be read is a problem.
void ov_inventory_survey(const struct ov_paths_place *at, struct ov_survey_sums *sums);

// Reads an image: a tar of `docker save`, or of OCI tools. Its places are its layers.
void ov_inventory_survey_image(int fd, const char *path, struct ov_inventory *inventory,
                               struct ov_survey_sums *sums);

// Tells what was read.
void ov_inventory_survey_methods(const struct ov_survey_sums *sums, struct ov_inventory *inventory);
