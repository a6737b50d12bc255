#!/bin/sh
# needs: cmake ninja gcc
# timeout: 120
mkdir s; cat > s/CMakeLists.txt <<'E'
cmake_minimum_required(VERSION 3.10)
project(p C)
add_library(l STATIC l.c)
add_executable(e e.c)
target_link_libraries(e l)
enable_testing()
add_test(NAME t COMMAND e)
E
echo 'int l(void){return 0;}' > s/l.c; printf '#include <stdio.h>\nint l(void);int main(){puts("built");return l();}\n' > s/e.c; cmake -G Ninja -S s -B b > log 2>&1; echo $?; ninja -C b | tail -1; ./b/e; (cd b; ctest 2>&1 | grep -c Passed); ninja -C b | tail -1; cmake -S s -B m >/dev/null; make -s -C m >/dev/null; ./m/e; cmake -E md5sum s/l.c; cmake -P /dev/stdin <<E
message(STATUS "script")
E
