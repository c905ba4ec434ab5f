static const char text[] = "window gamma socket thread alpha beta buffer beta window string alpha buffer delta alpha beta socket socket beta delta beta buffer socket alpha string beta delta thread thread string alpha string string socket alpha delta alpha buffer gamma memory socket gamma buffer beta string memory buffer thread gamma beta string string thread delta window beta buffer select beta string alpha string delta kernel thread buffer socket value window kernel string kernel window memory delta value gamma select value delta beta string memory buffer kernel window select kernel memory string beta beta buffer socket gamma value window gamma kernel socket alpha thread beta value buffer string value window window select window string kernel string value kernel beta beta memory kernel select thread beta alpha select select memory thread string thread kernel memory select socket thread window alpha kernel window gamma string beta kernel alpha delta value memory gamma select delta socket socket kernel beta gamma kernel socket buffer memory gamma socket buffer memory select socket window thread socket delta gamma beta gamma gamma delta thread delta alpha kernel string gamma memory memory alpha gamma socket buffer window string string window gamma select buffer string thread thread select alpha kernel value thread value buffer socket socket socket socket beta kernel thread socket alpha delta beta delta kernel gamma beta window string alpha beta alpha string gamma buffer beta window string alpha beta delta string socket gamma thread memory window string window kernel beta beta kernel kernel kernel kernel memory beta gamma beta select window select memory kernel select gamma buffer alpha delta buffer window gamma select buffer alpha value buffer memory thread beta select memory buffer window gamma window value delta buffer buffer value buffer window thread delta string value value value delta value delta socket select value delta delta buffer kernel window select alpha alpha value memory kernel memory delta select string window kernel value select window window beta delta beta delta kernel delta window delta kernel string string alpha kernel thread window value thread beta thread beta socket value select value delta kernel gamma socket value thread window beta value select socket kernel socket select beta select gamma gamma gamma alpha gamma string kernel value thread gamma string string kernel thread window gamma buffer buffer gamma alpha alpha value select thread beta buffer select gamma socket delta delta alpha memory delta memory buffer delta value string window memory buffer socket gamma alpha select window kernel thread string buffer socket buffer gamma buffer gamma buffer buffer alpha kernel value gamma string alpha value value gamma gamma gamma kernel string select beta buffer alpha window thread buffer buffer buffer kernel value value beta buffer alpha delta delta memory alpha value beta buffer kernel buffer alpha value beta kernel window string buffer string buffer delta select memory kernel buffer buffer value kernel buffer delta select buffer memory buffer delta kernel gamma socket beta socket kernel window beta thread delta socket beta delta thread memory value beta value gamma select thread thread window gamma memory gamma kernel delta select beta socket kernel gamma thread delta gamma select socket buffer socket window socket delta window window beta select window alpha window buffer kernel kernel select alpha socket window buffer string memory buffer beta beta value delta beta beta memory memory alpha value gamma memory value gamma socket thread memory socket gamma buffer buffer string kernel select window beta memory alpha value select gamma socket beta memory alpha thread beta value memory beta string delta beta memory beta kernel alpha window buffer socket memory string gamma alpha buffer select delta beta gamma memory alpha gamma delta memory thread memory buffer value delta memory kernel buffer thread gamma memory window value alpha memory alpha alpha alpha select buffer buffer delta buffer kernel delta kernel beta thread thread socket thread kernel buffer socket buffer memory select delta delta window delta select select thread gamma socket window alpha gamma alpha beta thread select memory socket gamma alpha beta thread socket buffer thread memory string delta select memory alpha kernel gamma gamma memory kernel alpha memory window window buffer window delta alpha memory delta window gamma alpha window socket beta kernel memory buffer thread delta delta buffer value alpha beta";
__attribute__((noinline)) int sum(const char *p, int n) { int s = n; while (*p) s = s * 31 + *p++; return s; }
__attribute__((noinline)) int f0(int n) { int s = sum(text + 270, n); if (s % 8 == 0) return s + sum(text, 51); return sum(text + n, s ^ 89479104); }
__attribute__((noinline)) int f1(int n) { int s = sum(text + 403, n); if (s % 4 == 1) return s + sum(text, 38); return sum(text + n, s ^ 499954744); }
__attribute__((noinline)) int f2(int n) { int s = sum(text + 86, n); if (s % 40 == 2) return s + sum(text, 96); return sum(text + n, s ^ 333401432); }
__attribute__((noinline)) int f3(int n) { int s = sum(text + 673, n); if (s % 48 == 2) return s + sum(text, 49); return sum(text + n, s ^ 700369044); }
__attribute__((noinline)) int f4(int n) { int s = sum(text + 737, n); if (s % 34 == 0) return s + sum(text, 36); return sum(text + n, s ^ 310853018); }
__attribute__((noinline)) int f5(int n) { int s = sum(text + 44, n); if (s % 48 == 2) return s + sum(text, 80); return sum(text + n, s ^ 921795983); }
__attribute__((noinline)) int f6(int n) { int s = sum(text + 751, n); if (s % 47 == 2) return s + sum(text, 17); return sum(text + n, s ^ 34531018); }
__attribute__((noinline)) int f7(int n) { int s = sum(text + 846, n); if (s % 46 == 2) return s + sum(text, 91); return sum(text + n, s ^ 493793939); }
__attribute__((noinline)) int f8(int n) { int s = sum(text + 87, n); if (s % 4 == 0) return s + sum(text, 17); return sum(text + n, s ^ 774613397); }
__attribute__((noinline)) int f9(int n) { int s = sum(text + 107, n); if (s % 27 == 1) return s + sum(text, 71); return sum(text + n, s ^ 109049898); }
__attribute__((noinline)) int f10(int n) { int s = sum(text + 642, n); if (s % 4 == 2) return s + sum(text, 68); return sum(text + n, s ^ 525187911); }
__attribute__((noinline)) int f11(int n) { int s = sum(text + 501, n); if (s % 19 == 0) return s + sum(text, 58); return sum(text + n, s ^ 150563366); }
__attribute__((noinline)) int f12(int n) { int s = sum(text + 766, n); if (s % 35 == 2) return s + sum(text, 11); return sum(text + n, s ^ 141842048); }
__attribute__((noinline)) int f13(int n) { int s = sum(text + 763, n); if (s % 33 == 1) return s + sum(text, 9); return sum(text + n, s ^ 570281950); }
__attribute__((noinline)) int f14(int n) { int s = sum(text + 240, n); if (s % 49 == 0) return s + sum(text, 29); return sum(text + n, s ^ 988572754); }
__attribute__((noinline)) int f15(int n) { int s = sum(text + 505, n); if (s % 27 == 0) return s + sum(text, 61); return sum(text + n, s ^ 617013204); }
__attribute__((noinline)) int f16(int n) { int s = sum(text + 785, n); if (s % 5 == 2) return s + sum(text, 80); return sum(text + n, s ^ 425824802); }
__attribute__((noinline)) int f17(int n) { int s = sum(text + 79, n); if (s % 41 == 0) return s + sum(text, 42); return sum(text + n, s ^ 545332598); }
__attribute__((noinline)) int f18(int n) { int s = sum(text + 667, n); if (s % 47 == 1) return s + sum(text, 79); return sum(text + n, s ^ 286562391); }
__attribute__((noinline)) int f19(int n) { int s = sum(text + 12, n); if (s % 33 == 0) return s + sum(text, 62); return sum(text + n, s ^ 577185113); }
__attribute__((noinline)) int f20(int n) { int s = sum(text + 688, n); if (s % 9 == 2) return s + sum(text, 27); return sum(text + n, s ^ 1051438731); }
__attribute__((noinline)) int f21(int n) { int s = sum(text + 297, n); if (s % 48 == 2) return s + sum(text, 36); return sum(text + n, s ^ 997855887); }
__attribute__((noinline)) int f22(int n) { int s = sum(text + 477, n); if (s % 32 == 0) return s + sum(text, 70); return sum(text + n, s ^ 427886182); }
__attribute__((noinline)) int f23(int n) { int s = sum(text + 319, n); if (s % 8 == 1) return s + sum(text, 2); return sum(text + n, s ^ 621887388); }
__attribute__((noinline)) int f24(int n) { int s = sum(text + 469, n); if (s % 7 == 2) return s + sum(text, 57); return sum(text + n, s ^ 576937034); }
__attribute__((noinline)) int f25(int n) { int s = sum(text + 396, n); if (s % 16 == 0) return s + sum(text, 9); return sum(text + n, s ^ 193924422); }
__attribute__((noinline)) int f26(int n) { int s = sum(text + 145, n); if (s % 36 == 1) return s + sum(text, 46); return sum(text + n, s ^ 284767217); }
__attribute__((noinline)) int f27(int n) { int s = sum(text + 617, n); if (s % 43 == 2) return s + sum(text, 35); return sum(text + n, s ^ 241973216); }
__attribute__((noinline)) int f28(int n) { int s = sum(text + 720, n); if (s % 26 == 0) return s + sum(text, 63); return sum(text + n, s ^ 1043979108); }
__attribute__((noinline)) int f29(int n) { int s = sum(text + 403, n); if (s % 4 == 0) return s + sum(text, 0); return sum(text + n, s ^ 1055909348); }
__attribute__((noinline)) int f30(int n) { int s = sum(text + 697, n); if (s % 31 == 1) return s + sum(text, 38); return sum(text + n, s ^ 302166448); }
__attribute__((noinline)) int f31(int n) { int s = sum(text + 426, n); if (s % 25 == 1) return s + sum(text, 40); return sum(text + n, s ^ 259650850); }
__attribute__((noinline)) int f32(int n) { int s = sum(text + 860, n); if (s % 24 == 0) return s + sum(text, 41); return sum(text + n, s ^ 726434939); }
__attribute__((noinline)) int f33(int n) { int s = sum(text + 859, n); if (s % 28 == 0) return s + sum(text, 25); return sum(text + n, s ^ 25171970); }
__attribute__((noinline)) int f34(int n) { int s = sum(text + 757, n); if (s % 21 == 1) return s + sum(text, 47); return sum(text + n, s ^ 139537804); }
__attribute__((noinline)) int f35(int n) { int s = sum(text + 402, n); if (s % 27 == 2) return s + sum(text, 9); return sum(text + n, s ^ 774617367); }
__attribute__((noinline)) int f36(int n) { int s = sum(text + 438, n); if (s % 20 == 0) return s + sum(text, 35); return sum(text + n, s ^ 218420256); }
__attribute__((noinline)) int f37(int n) { int s = sum(text + 52, n); if (s % 45 == 1) return s + sum(text, 81); return sum(text + n, s ^ 319791215); }
__attribute__((noinline)) int f38(int n) { int s = sum(text + 255, n); if (s % 20 == 1) return s + sum(text, 65); return sum(text + n, s ^ 677748797); }
__attribute__((noinline)) int f39(int n) { int s = sum(text + 194, n); if (s % 26 == 1) return s + sum(text, 3); return sum(text + n, s ^ 859082924); }
__attribute__((noinline)) int f40(int n) { int s = sum(text + 896, n); if (s % 38 == 2) return s + sum(text, 26); return sum(text + n, s ^ 173037573); }
__attribute__((noinline)) int f41(int n) { int s = sum(text + 50, n); if (s % 49 == 1) return s + sum(text, 57); return sum(text + n, s ^ 297582242); }
__attribute__((noinline)) int f42(int n) { int s = sum(text + 659, n); if (s % 21 == 1) return s + sum(text, 6); return sum(text + n, s ^ 273398982); }
__attribute__((noinline)) int f43(int n) { int s = sum(text + 174, n); if (s % 33 == 1) return s + sum(text, 43); return sum(text + n, s ^ 605045016); }
__attribute__((noinline)) int f44(int n) { int s = sum(text + 304, n); if (s % 19 == 2) return s + sum(text, 94); return sum(text + n, s ^ 558708796); }
__attribute__((noinline)) int f45(int n) { int s = sum(text + 415, n); if (s % 44 == 0) return s + sum(text, 38); return sum(text + n, s ^ 1037625490); }
__attribute__((noinline)) int f46(int n) { int s = sum(text + 570, n); if (s % 45 == 1) return s + sum(text, 15); return sum(text + n, s ^ 359343732); }
__attribute__((noinline)) int f47(int n) { int s = sum(text + 658, n); if (s % 13 == 0) return s + sum(text, 26); return sum(text + n, s ^ 1067462116); }
__attribute__((noinline)) int f48(int n) { int s = sum(text + 563, n); if (s % 17 == 1) return s + sum(text, 42); return sum(text + n, s ^ 966282698); }
__attribute__((noinline)) int f49(int n) { int s = sum(text + 437, n); if (s % 11 == 2) return s + sum(text, 24); return sum(text + n, s ^ 524169907); }
__attribute__((noinline)) int f50(int n) { int s = sum(text + 92, n); if (s % 14 == 1) return s + sum(text, 71); return sum(text + n, s ^ 195623612); }
__attribute__((noinline)) int f51(int n) { int s = sum(text + 326, n); if (s % 18 == 1) return s + sum(text, 33); return sum(text + n, s ^ 434096299); }
__attribute__((noinline)) int f52(int n) { int s = sum(text + 20, n); if (s % 29 == 1) return s + sum(text, 52); return sum(text + n, s ^ 450982164); }
__attribute__((noinline)) int f53(int n) { int s = sum(text + 385, n); if (s % 20 == 1) return s + sum(text, 96); return sum(text + n, s ^ 133271798); }
__attribute__((noinline)) int f54(int n) { int s = sum(text + 510, n); if (s % 20 == 2) return s + sum(text, 46); return sum(text + n, s ^ 270311931); }
__attribute__((noinline)) int f55(int n) { int s = sum(text + 703, n); if (s % 35 == 2) return s + sum(text, 80); return sum(text + n, s ^ 463777327); }
__attribute__((noinline)) int f56(int n) { int s = sum(text + 94, n); if (s % 20 == 0) return s + sum(text, 49); return sum(text + n, s ^ 858471906); }
__attribute__((noinline)) int f57(int n) { int s = sum(text + 661, n); if (s % 31 == 1) return s + sum(text, 39); return sum(text + n, s ^ 46837724); }
__attribute__((noinline)) int f58(int n) { int s = sum(text + 130, n); if (s % 5 == 1) return s + sum(text, 90); return sum(text + n, s ^ 1016335884); }
__attribute__((noinline)) int f59(int n) { int s = sum(text + 601, n); if (s % 34 == 0) return s + sum(text, 9); return sum(text + n, s ^ 840785137); }
int start(void) { int s = 0;
s += f0(1);
s += f1(s);
s += f2(s);
s += f3(s);
s += f4(s);
s += f5(s);
s += f6(s);
s += f7(s);
s += f8(s);
s += f9(s);
s += f10(s);
s += f11(s);
s += f12(s);
s += f13(s);
s += f14(s);
s += f15(s);
s += f16(s);
s += f17(s);
s += f18(s);
s += f19(s);
s += f20(s);
s += f21(s);
s += f22(s);
s += f23(s);
s += f24(s);
s += f25(s);
s += f26(s);
s += f27(s);
s += f28(s);
s += f29(s);
s += f30(s);
s += f31(s);
s += f32(s);
s += f33(s);
s += f34(s);
s += f35(s);
s += f36(s);
s += f37(s);
s += f38(s);
s += f39(s);
s += f40(s);
s += f41(s);
s += f42(s);
s += f43(s);
s += f44(s);
s += f45(s);
s += f46(s);
s += f47(s);
s += f48(s);
s += f49(s);
s += f50(s);
s += f51(s);
s += f52(s);
s += f53(s);
s += f54(s);
s += f55(s);
s += f56(s);
s += f57(s);
s += f58(s);
s += f59(s);
return s; }
