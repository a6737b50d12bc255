#!/bin/sh
# needs: g++
cat > e.cc <<'E'
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <future>
#include <vector>
#include <memory>
struct D { ~D() { std::cout << "~D\n"; } };
int f(int n) { D d; if (n == 0) throw std::runtime_error("deep"); return f(n - 1); }
int main() {
	try { f(3); } catch (std::exception &e) { std::cout << e.what() << "\n"; }
	try { std::vector<int>(3).at(10); } catch (std::out_of_range &) { std::cout << "range\n"; }
	try { try { throw 1; } catch (...) { throw; } } catch (int i) { std::cout << i << "\n"; }
	try { new char[1ull << 62]; } catch (std::bad_alloc &) { std::cout << "alloc\n"; }
	auto fu = std::async(std::launch::async, [] { throw std::logic_error("async"); return 1; }); try { fu.get(); } catch (std::logic_error &e) { std::cout << e.what() << "\n"; }
	long s = 0; for (int i = 0; i < 20000; i++) try { throw i; } catch (int x) { s += x; } std::cout << s << "\n";
	std::vector<std::thread> t; std::vector<long> r(8); for (int i = 0; i < 8; i++) t.emplace_back([i, &r] { for (int k = 0; k < 5000; k++) try { throw (long)k; } catch (long v) { r[i] += v; } }); for (auto &x : t) x.join(); for (auto v : r) s += v; std::cout << s << std::endl;
	throw std::runtime_error("uncaught");
}
E
g++ -O1 -w e.cc -o e -pthread && ./e 2>&1; echo $?
