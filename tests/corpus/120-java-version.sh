#!/bin/sh
# needs: java
# stderr
java -version
