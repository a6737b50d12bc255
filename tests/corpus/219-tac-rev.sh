#!/bin/bash
# timeout: 60
seq 5 | tac; echo hello | rev
