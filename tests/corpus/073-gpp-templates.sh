#!/bin/sh
# needs: g++
# timeout: 120
cat > t.cc <<'E'
#include <bits/stdc++.h>
template<int N> struct F { static const long v = F<N-1>::v + F<N-2>::v; }; template<> struct F<0> { static const long v = 0; }; template<> struct F<1> { static const long v = 1; };
int main() { std::cout << F<80>::v << std::endl; std::tuple<int, std::string> t{1, "x"}; auto [a, b] = t; std::cout << a << b << std::format_to_n; }
E
g++ -std=c++17 t.cc -o t 2>&1 | grep -c error; sed -i 's/ << std::format_to_n//' t.cc; g++ -std=c++17 -O2 t.cc -o t && ./t; g++ -std=c++20 -fsyntax-only t.cc; echo $?; g++ -M -std=c++17 t.cc | wc -l; c++filt _Z3fooi; echo 'int f(){return 1;}' | g++ -xc++ -S - -o - | grep -c _Z1fv
