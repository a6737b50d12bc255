#!/bin/sh
echo before
kill -INT $$
echo after
