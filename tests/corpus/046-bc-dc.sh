#!/bin/sh
# needs: bc
echo 'scale=50; 4*a(1)' | bc -l; echo '2^200; 10/3; scale=5; 10/3; obase=16; 255; ibase=2; 1111' | bc; echo 'define f(n){if(n<2)return n; return f(n-1)+f(n-2);} f(18)' | bc; echo 'for(i=0;i<5;i++) i^3' | bc
