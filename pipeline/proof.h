/*
 * proof.h -- from what programs say to what we believe.
 *
 * Every program of a chain counts the bytes it took and gave, and several
 * count the same keys.  Here their facts are laid side by side: neighbours
 * must agree, and what a chain learnt about a shard must be what the manifest
 * says.  Who says what: stages/README.md.
 */
#ifndef PIPELINE_PROOF_H
#define PIPELINE_PROOF_H

#include "pipeline/chain.h"
#include "pipeline/manifest.h"

/*
 * Did each program take what the one before it gave, and do those that count
 * keys count the same?  A last program that has not ended yet is left out, so
 * this can be asked before the go-ahead and again after the end.
 */
MUST_USE bool proof_flow(const struct chain *, struct err *);

/*
 * Fill in what the chain's facts say: source (all but the URL), object (all
 * but the name), rdb, counts, digests.  Of programs that are not in the chain
 * nothing is filled in; a program that is but keeps quiet is an error.  On
 * failure the shard holds nothing.
 */
MUST_USE bool proof_shard(
    const struct chain *, struct manifest_shard *, struct err *);

/*
 * Is what was found what the manifest wants?  Compares everything but source
 * and slots.  The ERR_DATA names all that differs, as far as it fits.
 */
MUST_USE bool proof_same(const struct manifest_shard *want,
    const struct manifest_shard *found, struct err *);

/* A fact's text without its escapes, made printable: owned by the caller.
 * NULL with err when it is missing. */
char *proof_text(
    const struct chain *, const char *program, const char *fact, struct err *);

#endif
