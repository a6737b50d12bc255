#!/bin/bash
# timeout: 60
seq 1000 > f; md5sum f; sha1sum f; sha256sum f; sha512sum f | cut -c1-40; cksum f; sum f; b2sum f | cut -c1-30
