#!/bin/bash
# timeout: 60
factor 12 97 1234567890; factor 18446744073709551557
