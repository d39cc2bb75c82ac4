/**
 * A certificate that nobody trusts, for TLS that must fail.
 *
 * @module
 */

/** Signed by itself, for 127.0.0.1; its key is as public as this file. */
export const SELF_SIGNED = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBhTCCASqgAwIBAgIUGQkkKPrmNzPfgaJbIFPySW/LMVgwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEc2VsZjAeFw0yNjExMjMwODA4MTlaFw0zNjExMjAwODA4MTla
MA8xDTALBgNVBAMMBHNlbGYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASAH6cO
PgTiz2qzxgxIG3EqhNMFyrA5l8q6P4wJfYsjOmccj9Zvwl5CLkdUL4u9n/BWW+3U
6haZPMFTrQpKEOf9o2QwYjAdBgNVHQ4EFgQUjM4SwiFYlruHgLt7xht+MGZkNbcw
HwYDVR0jBBgwFoAUjM4SwiFYlruHgLt7xht+MGZkNbcwDwYDVR0TAQH/BAUwAwEB
/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0kAMEYCIQDkYjus4Yogp172
MHPWc9n0hFBFPRe+zu5yxjuKjv17XAIhAPv46XoEv1QmkPsoy3wIWP0xBHdTcehh
n2YKOLa6MEyv
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgaBaXG5aGxm+7Yui4
lscYgKqobQdhRAsUspugPFsXJDChRANCAASAH6cOPgTiz2qzxgxIG3EqhNMFyrA5
l8q6P4wJfYsjOmccj9Zvwl5CLkdUL4u9n/BWW+3U6haZPMFTrQpKEOf9
-----END PRIVATE KEY-----
`,
};
