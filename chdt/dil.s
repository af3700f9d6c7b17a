	.file	"<string>"
	.section	.ltext,"axl",@progbits
	.globl	_ZN8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx
	.p2align	4
	.type	_ZN8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx,@function
_ZN8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx:
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	pushq	%r15
	.cfi_def_cfa_offset 24
	pushq	%r14
	.cfi_def_cfa_offset 32
	pushq	%r13
	.cfi_def_cfa_offset 40
	pushq	%r12
	.cfi_def_cfa_offset 48
	pushq	%rbx
	.cfi_def_cfa_offset 56
	subq	$152, %rsp
	.cfi_def_cfa_offset 208
	.cfi_offset %rbx, -56
	.cfi_offset %r12, -48
	.cfi_offset %r13, -40
	.cfi_offset %r14, -32
	.cfi_offset %r15, -24
	.cfi_offset %rbp, -16
	movq	%r9, %rbp
	movq	%rdx, %r12
	movq	%rsi, %r15
	movq	%rdi, 72(%rsp)
	movq	296(%rsp), %r14
	movq	240(%rsp), %rdi
	movabsq	$NRT_incref, %rbx
	callq	*%rbx
	movq	%r14, %rdi
	callq	*%rbx
	testq	%r12, %r12
	jle	.LBB0_1
	movq	216(%rsp), %rdi
	testq	%rdi, %rdi
	setg	%r10b
	movq	208(%rsp), %rsi
	testq	%rsi, %rsi
	setg	%r11b
	setle	%bl
	leaq	7(%rsi), %r14
	shrq	$3, %r14
	sete	%al
	testq	%rdi, %rdi
	je	.LBB0_23
	movq	352(%rsp), %rdx
	movq	%r14, 24(%rsp)
	movq	%rdx, %rcx
	imulq	%rdi, %rcx
	movl	%edx, %r8d
	addq	224(%rsp), %rdx
	imulq	%rdi, %rdx
	movl	$1, %r9d
	shlxq	%r8, %r9, %r9
	xorb	%r10b, %r11b
	movq	%rbp, %r15
	movq	%rdi, %rbp
	orq	%rsi, %rbp
	movq	%r9, %r10
	sarq	$6, %r10
	andl	$63, %r9d
	vpbroadcastq	%r9, %zmm0
	xorq	$63, %r9
	leaq	(,%rdi,8), %r13
	movq	%r13, 136(%rsp)
	movq	%rdi, %r13
	movq	%r10, 48(%rsp)
	negq	%r10
	movq	%r10, 88(%rsp)
	leaq	(%rdx,%rsi), %r14
	orb	%al, %bl
	shlxq	%r8, %r15, %rdi
	movq	%rdi, %rax
	sarq	$6, %rax
	andl	$63, %edi
	vpbroadcastq	%rdi, %zmm1
	movq	%rdi, %r8
	xorq	$63, %r8
	movq	272(%rsp), %r15
	leaq	(%r15,%rcx,8), %rdi
	addq	%rsi, %rcx
	leaq	(%rdi,%rsi,8), %rdi
	movq	%rdi, 128(%rsp)
	leaq	(%r15,%rdx,8), %rdx
	leaq	(%rdx,%rsi,8), %rdx
	movq	%rdx, 120(%rsp)
	movq	232(%rsp), %rdi
	movq	328(%rsp), %r10
	leaq	128(%r10,%rdi,8), %rdx
	movq	%rdx, 56(%rsp)
	vpbroadcastq	%r9, %zmm2
	leaq	192(%r10,%rdi,8), %rdx
	movq	%rdi, %r9
	movq	%rdx, 80(%rsp)
	movq	%r15, %rdx
	leaq	64(%r15,%rcx,8), %r15
	leaq	64(%rdx,%r14,8), %rdi
	vpbroadcastq	%r8, %zmm3
	leaq	16(%r9,%r9), %rcx
	movq	%rcx, 16(%rsp)
	addq	$2, 24(%rsp)
	movq	%rax, 104(%rsp)
	negq	%rax
	movq	%rax, 96(%rsp)
	shrq	$32, %rbp
	movq	%rbp, 112(%rsp)
	movl	$16, %eax
	movq	$0, 8(%rsp)
	movb	%r11b, 6(%rsp)
	movb	%bl, 7(%rsp)
	jmp	.LBB0_5
	.p2align	4
.LBB0_12:
	movq	32(%rsp), %r10
.LBB0_28:
	movzbl	6(%rsp), %r11d
	movq	40(%rsp), %rax
	cmpq	$1, %r10
	leaq	-1(%r10), %r12
	jbe	.LBB0_2
.LBB0_5:
	movq	%r12, 32(%rsp)
	movq	16(%rsp), %rcx
	movq	%rcx, 40(%rsp)
	movq	%rax, 16(%rsp)
	testb	%r11b, %r11b
	jne	.LBB0_11
	cmpq	$0, 112(%rsp)
	je	.LBB0_7
	je	.LBB0_7
	je	.LBB0_7
	movq	%rsi, %rax
	cqto
	idivq	%r13
	jmp	.LBB0_16
	.p2align	4
.LBB0_7:
	movl	%esi, %eax
	xorl	%edx, %edx
	divl	%r13d
.LBB0_16:
	movq	%rdx, %rcx
	negq	%rcx
	testq	%rsi, %rsi
	cmovgq	%rdx, %rcx
	xorl	%edx, %edx
	testq	%rcx, %rcx
	setg	%dl
	addq	%rax, %rdx
	movq	%rdx, 144(%rsp)
	testq	%rdx, %rdx
	jle	.LBB0_11
	movq	328(%rsp), %rcx
	movq	16(%rsp), %rdx
	leaq	(%rcx,%rdx,8), %rax
	leaq	64(%rcx,%rdx,8), %r14
	movq	%rsi, %rdx
	movq	88(%rsp), %r11
	movq	48(%rsp), %r12
	movq	80(%rsp), %rbx
	xorl	%r8d, %r8d
	xorl	%ebp, %ebp
	jmp	.LBB0_18
	.p2align	4
.LBB0_20:
	xorl	%r9d, %r9d
.LBB0_9:
	leaq	(%r9,%rbp), %rcx
	vmovdqu64	(%rax,%rcx,8), %zmm4
	movq	%rcx, %r10
	movq	48(%rsp), %r13
	subq	%r13, %r10
	cmpq	$-7, %r10
	movq	$-8, %rbp
	cmovlq	%rbp, %r10
	movq	64(%rsp), %rbp
	vpsrlq	$1, -8(%rax,%r10,8), %zmm5
	vmovdqu64	(%rax,%r10,8), %zmm6
	vpsllvq	%zmm0, %zmm6, %zmm6
	vpsrlvq	%zmm2, %zmm5, %zmm5
	vporq	%zmm5, %zmm6, %zmm5
	leaq	(%rcx,%r13), %r10
	movq	216(%rsp), %r13
	cmpq	%r10, %rsi
	cmovlq	%rsi, %r10
	vpsllq	$1, 8(%rax,%r10,8), %zmm6
	vmovdqu64	(%rax,%r10,8), %zmm7
	vpsrlvq	%zmm0, %zmm7, %zmm7
	vpsllvq	%zmm2, %zmm6, %zmm6
	vporq	%zmm6, %zmm7, %zmm6
	movq	128(%rsp), %r10
	vpternlogq	$236, (%r10,%r9,8), %zmm4, %zmm5
	movq	120(%rsp), %r10
	vpternlogq	$248, (%r10,%r9,8), %zmm6, %zmm5
	movq	56(%rsp), %r9
	vmovdqu64	%zmm5, (%r9,%rcx,8)
.LBB0_10:
	addq	%r13, %rbp
	incq	%r8
	movq	136(%rsp), %rcx
	addq	%rcx, %rbx
	addq	%r13, %r12
	addq	%r13, %r11
	addq	%rcx, %r14
	subq	%r13, %rdx
	cmpq	144(%rsp), %r8
	je	.LBB0_11
.LBB0_18:
	cmpq	%rdx, %r13
	movq	%rdx, %r10
	cmovlq	%r13, %r10
	movq	%r8, %r9
	imulq	%r13, %r9
	movq	%rsi, %rcx
	subq	%r9, %rcx
	cmpq	%rcx, %r13
	cmovlq	%r13, %rcx
	movq	%rsi, %r9
	subq	%rbp, %r9
	cmpq	%r13, %r9
	cmovgeq	%r13, %r9
	testq	%r9, %r9
	jle	.LBB0_10
	addq	$7, %rcx
	movq	%rcx, %r9
	andq	$-8, %r9
	cmpq	$8, %r9
	movq	%rbp, 64(%rsp)
	je	.LBB0_20
	addq	$7, %r10
	shrq	$3, %r10
	andq	$-2, %r10
	xorl	%r9d, %r9d
	movq	$-8, %rbp
	.p2align	4
.LBB0_22:
	leaq	(%r11,%r9), %r13
	cmpq	$-7, %r13
	cmovlq	%rbp, %r13
	vpsrlq	$1, -8(%rax,%r13,8), %zmm4
	vmovdqu64	-64(%r14,%r9,8), %zmm5
	vmovdqu64	(%rax,%r13,8), %zmm6
	vpsllvq	%zmm0, %zmm6, %zmm6
	vpsrlvq	%zmm2, %zmm4, %zmm4
	vporq	%zmm4, %zmm6, %zmm4
	leaq	(%r12,%r9), %r13
	cmpq	%r13, %rsi
	cmovlq	%rsi, %r13
	vpsllq	$1, 8(%rax,%r13,8), %zmm6
	vmovdqu64	(%rax,%r13,8), %zmm7
	vpsrlvq	%zmm0, %zmm7, %zmm7
	vpsllvq	%zmm2, %zmm6, %zmm6
	vporq	%zmm6, %zmm7, %zmm6
	vpternlogq	$236, -64(%r15,%r9,8), %zmm5, %zmm4
	vpternlogq	$248, -64(%rdi,%r9,8), %zmm6, %zmm4
	vmovdqu64	%zmm4, -64(%rbx,%r9,8)
	vmovdqu64	(%r14,%r9,8), %zmm4
	leaq	8(%r11,%r9), %r13
	cmpq	$-7, %r13
	cmovlq	%rbp, %r13
	vpsrlq	$1, -8(%rax,%r13,8), %zmm5
	vmovdqu64	(%rax,%r13,8), %zmm6
	vpsllvq	%zmm0, %zmm6, %zmm6
	vpsrlvq	%zmm2, %zmm5, %zmm5
	vporq	%zmm5, %zmm6, %zmm5
	leaq	8(%r12,%r9), %r13
	cmpq	%r13, %rsi
	cmovlq	%rsi, %r13
	vpsllq	$1, 8(%rax,%r13,8), %zmm6
	vmovdqu64	(%rax,%r13,8), %zmm7
	vpsrlvq	%zmm0, %zmm7, %zmm7
	vpsllvq	%zmm2, %zmm6, %zmm6
	vporq	%zmm6, %zmm7, %zmm6
	vpternlogq	$236, (%r15,%r9,8), %zmm4, %zmm5
	vpternlogq	$248, (%rdi,%r9,8), %zmm6, %zmm5
	vmovdqu64	%zmm5, (%rbx,%r9,8)
	addq	$16, %r9
	addq	$-2, %r10
	jne	.LBB0_22
	testb	$8, %cl
	movq	216(%rsp), %r13
	movq	64(%rsp), %rbp
	jne	.LBB0_9
	jmp	.LBB0_10
	.p2align	4
.LBB0_11:
	movzbl	7(%rsp), %ebx
	testb	%bl, %bl
	jne	.LBB0_12
	movq	328(%rsp), %rax
	movq	40(%rsp), %rcx
	leaq	(%rax,%rcx,8), %rcx
	xorl	%eax, %eax
	movq	24(%rsp), %rdx
	xorl	%r8d, %r8d
	movq	32(%rsp), %r10
	movq	272(%rsp), %r11
	movq	104(%rsp), %r14
	movq	56(%rsp), %r12
	movq	96(%rsp), %rbp
	movq	$-8, %rbx
	.p2align	4
.LBB0_26:
	leaq	(%rbp,%r8), %r9
	cmpq	$-7, %r9
	cmovlq	%rbx, %r9
	vpsrlq	$1, -8(%r12,%r9,8), %zmm4
	vmovdqu64	(%r12,%r9,8), %zmm5
	vpsllvq	%zmm1, %zmm5, %zmm5
	vpsrlvq	%zmm3, %zmm4, %zmm4
	leaq	(%r14,%r8), %r9
	cmpq	%r9, %rsi
	cmovlq	%rsi, %r9
	vpsllq	$1, 8(%r12,%r9,8), %zmm6
	vmovdqu64	(%r12,%r9,8), %zmm7
	vpsrlvq	%zmm1, %zmm7, %zmm7
	vpsllvq	%zmm3, %zmm6, %zmm6
	vpternlogq	$254, (%r12,%r8,8), %zmm5, %zmm4
	vpternlogq	$254, %zmm6, %zmm7, %zmm4
	vmovdqu64	(%r11,%r8,8), %zmm5
	vpandq	%zmm5, %zmm4, %zmm6
	vmovdqu64	%zmm6, (%rcx,%r8,8)
	addq	$8, %r8
	vpandnq	%zmm5, %zmm4, %zmm4
	vptestmd	%zmm4, %zmm4, %k0
	kortestw	%k0, %k0
	setne	%r9b
	orb	%r9b, %al
	decq	%rdx
	cmpq	$2, %rdx
	ja	.LBB0_26
	movzbl	%al, %eax
	andl	$1, %eax
	addq	%rax, 8(%rsp)
	jmp	.LBB0_28
.LBB0_1:
	movq	$0, 8(%rsp)
.LBB0_2:
	movabsq	$NRT_decref, %rbx
	movq	296(%rsp), %rdi
	vzeroupper
	callq	*%rbx
	movq	240(%rsp), %rdi
	callq	*%rbx
	movq	72(%rsp), %rax
	movq	8(%rsp), %rcx
	movq	%rcx, (%rax)
	xorl	%eax, %eax
.LBB0_24:
	addq	$152, %rsp
	.cfi_def_cfa_offset 56
	popq	%rbx
	.cfi_def_cfa_offset 48
	popq	%r12
	.cfi_def_cfa_offset 40
	popq	%r13
	.cfi_def_cfa_offset 32
	popq	%r14
	.cfi_def_cfa_offset 24
	popq	%r15
	.cfi_def_cfa_offset 16
	popq	%rbp
	.cfi_def_cfa_offset 8
	retq
.LBB0_23:
	.cfi_def_cfa_offset 208
	movabsq	$.const.picklebuf.ca8efb3a72d614fe872032cce3ac326007a30727, %rax
	movq	%rax, (%r15)
	movl	$1, %eax
	jmp	.LBB0_24
.Lfunc_end0:
	.size	_ZN8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx, .Lfunc_end0-_ZN8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx
	.cfi_endproc

	.globl	_ZN7cpython8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx
	.p2align	4
	.type	_ZN7cpython8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx,@function
_ZN7cpython8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx:
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	pushq	%r15
	.cfi_def_cfa_offset 24
	pushq	%r14
	.cfi_def_cfa_offset 32
	pushq	%r13
	.cfi_def_cfa_offset 40
	pushq	%r12
	.cfi_def_cfa_offset 48
	pushq	%rbx
	.cfi_def_cfa_offset 56
	subq	$376, %rsp
	.cfi_def_cfa_offset 432
	.cfi_offset %rbx, -56
	.cfi_offset %r12, -48
	.cfi_offset %r13, -40
	.cfi_offset %r14, -32
	.cfi_offset %r15, -24
	.cfi_offset %rbp, -16
	movq	%rsi, %rdi
	leaq	216(%rsp), %rax
	movq	%rax, 16(%rsp)
	leaq	224(%rsp), %rax
	movq	%rax, 8(%rsp)
	leaq	232(%rsp), %rax
	movq	%rax, (%rsp)
	movabsq	$.const.dil, %rsi
	movabsq	$PyArg_UnpackTuple, %r10
	leaq	248(%rsp), %r8
	leaq	240(%rsp), %r9
	movl	$5, %edx
	movl	$5, %ecx
	xorl	%eax, %eax
	callq	*%r10
	vxorps	%xmm0, %xmm0, %xmm0
	vmovups	%ymm0, 320(%rsp)
	vmovups	%ymm0, 344(%rsp)
	vmovups	%ymm0, 256(%rsp)
	vmovups	%ymm0, 280(%rsp)
	movq	$0, 152(%rsp)
	movq	$0, 192(%rsp)
	testl	%eax, %eax
	je	.LBB1_58
	movabsq	$_ZN08NumbaEnv8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx, %rax
	cmpq	$0, (%rax)
	je	.LBB1_34
	movq	248(%rsp), %rdi
	movabsq	$PyNumber_Long, %r13
	vzeroupper
	callq	*%r13
	movabsq	$PyLong_AsLongLong, %r12
	movabsq	$Py_DecRef, %r14
	testq	%rax, %rax
	je	.LBB1_35
	movq	%rax, %rbx
	movq	%rax, %rdi
	callq	*%r12
	movq	%rax, %r15
	movq	%rbx, %rdi
	callq	*%r14
	movabsq	$PyErr_Occurred, %rax
	callq	*%rax
	testq	%rax, %rax
	jne	.LBB1_58
.LBB1_4:
	movq	%r15, 208(%rsp)
	movq	240(%rsp), %r15
	movabsq	$PyTuple_Size, %rax
	movq	%r15, %rdi
	callq	*%rax
	cmpq	$7, %rax
	setne	%bpl
	jne	.LBB1_36
.LBB1_5:
	movabsq	$PyTuple_GetItem, %r14
	movq	%r15, %rdi
	xorl	%esi, %esi
	callq	*%r14
	movq	%rax, %rdi
	callq	*%r13
	testq	%rax, %rax
	je	.LBB1_7
	movq	%rax, %rbx
	movq	%rax, %rdi
	callq	*%r12
	movq	%rbx, %rdi
	movabsq	$Py_DecRef, %rax
	callq	*%rax
.LBB1_7:
	movabsq	$PyErr_Occurred, %rax
	callq	*%rax
	testq	%rax, %rax
	jne	.LBB1_37
.LBB1_8:
	movl	$1, %esi
	movq	%r15, %rdi
	callq	*%r14
	movq	%rax, %rdi
	callq	*%r13
	testq	%rax, %rax
	je	.LBB1_10
	movq	%rax, %rbx
	movq	%rax, %rdi
	callq	*%r12
	movq	%rbx, %rdi
	movabsq	$Py_DecRef, %rax
	callq	*%rax
.LBB1_10:
	movabsq	$PyErr_Occurred, %rax
	callq	*%rax
	testq	%rax, %rax
	jne	.LBB1_38
.LBB1_11:
	movl	$2, %esi
	movq	%r15, %rdi
	callq	*%r14
	movq	%rax, %rdi
	callq	*%r13
	testq	%rax, %rax
	je	.LBB1_39
	movq	%rax, %rbx
	movq	%rax, %rdi
	callq	*%r12
	movq	%rax, 184(%rsp)
	movq	%rbx, %rdi
	movabsq	$Py_DecRef, %rax
	callq	*%rax
	movabsq	$PyErr_Occurred, %rax
	callq	*%rax
	testq	%rax, %rax
	jne	.LBB1_40
.LBB1_13:
	movl	$3, %esi
	movq	%r15, %rdi
	callq	*%r14
	movq	%rax, %rdi
	callq	*%r13
	testq	%rax, %rax
	je	.LBB1_41
	movq	%rax, %rbx
	movq	%rax, %rdi
	callq	*%r12
	movq	%rax, 176(%rsp)
	movq	%rbx, %rdi
	movabsq	$Py_DecRef, %rax
	callq	*%rax
	movabsq	$PyErr_Occurred, %rax
	callq	*%rax
	testq	%rax, %rax
	jne	.LBB1_42
.LBB1_15:
	movl	$4, %esi
	movq	%r15, %rdi
	callq	*%r14
	movq	%rax, %rdi
	callq	*%r13
	testq	%rax, %rax
	je	.LBB1_43
	movq	%rax, %rbx
	movq	%rax, %rdi
	callq	*%r12
	movq	%rax, 168(%rsp)
	movq	%rbx, %rdi
	movabsq	$Py_DecRef, %rax
	callq	*%rax
	movabsq	$PyErr_Occurred, %rax
	callq	*%rax
	testq	%rax, %rax
	jne	.LBB1_44
.LBB1_17:
	movl	$5, %esi
	movq	%r15, %rdi
	callq	*%r14
	movq	%rax, %rdi
	callq	*%r13
	testq	%rax, %rax
	je	.LBB1_45
	movq	%rax, %rbx
	movq	%rax, %rdi
	callq	*%r12
	movq	%rax, 160(%rsp)
	movq	%rbx, %rdi
	movabsq	$Py_DecRef, %rax
	callq	*%rax
	movabsq	$PyErr_Occurred, %rax
	callq	*%rax
	testq	%rax, %rax
	jne	.LBB1_46
.LBB1_19:
	movl	$6, %esi
	movq	%r15, %rdi
	callq	*%r14
	movq	%rax, %rdi
	callq	*%r13
	testq	%rax, %rax
	je	.LBB1_47
	movq	%rax, %r14
	movq	%rax, %rdi
	callq	*%r12
	movq	%rax, %r15
	movq	%r14, %rdi
	movabsq	$Py_DecRef, %rax
	callq	*%rax
.LBB1_21:
	movabsq	$PyErr_Occurred, %rax
	callq	*%rax
	testq	%rax, %rax
	setne	%al
	orb	%al, %bpl
	jne	.LBB1_58
	movq	232(%rsp), %rdi
	vxorps	%xmm0, %xmm0, %xmm0
	vmovups	%ymm0, 320(%rsp)
	vmovups	%ymm0, 344(%rsp)
	movabsq	$NRT_adapt_ndarray_from_python, %rbx
	leaq	320(%rsp), %rsi
	vzeroupper
	callq	*%rbx
	testl	%eax, %eax
	jne	.LBB1_48
	cmpq	$8, 344(%rsp)
	jne	.LBB1_48
	movq	%r15, 200(%rsp)
	movq	320(%rsp), %r15
	movq	352(%rsp), %rbp
	movq	224(%rsp), %rdi
	vxorps	%xmm0, %xmm0, %xmm0
	vmovups	%ymm0, 256(%rsp)
	vmovups	%ymm0, 280(%rsp)
	leaq	256(%rsp), %rsi
	vzeroupper
	callq	*%rbx
	testl	%eax, %eax
	jne	.LBB1_50
	cmpq	$8, 280(%rsp)
	jne	.LBB1_50
	movq	256(%rsp), %r14
	movq	288(%rsp), %rbx
	movq	216(%rsp), %rdi
	callq	*%r13
	testq	%rax, %rax
	je	.LBB1_51
	movq	%rax, %r13
	movq	%rax, %rdi
	callq	*%r12
	movq	%rax, %r12
	movq	%r13, %rdi
	movabsq	$Py_DecRef, %rax
	callq	*%rax
	movabsq	$PyErr_Occurred, %rax
	callq	*%rax
	testq	%rax, %rax
	jne	.LBB1_52
.LBB1_28:
	movabsq	$PyEval_SaveThread, %rax
	callq	*%rax
	movq	%rax, %r13
	movq	$0, 152(%rsp)
	movq	%r12, 144(%rsp)
	movq	%rbx, 120(%rsp)
	movq	%r14, 88(%rsp)
	movq	%rbp, 64(%rsp)
	movq	%r15, 32(%rsp)
	movq	200(%rsp), %rax
	movq	%rax, 24(%rsp)
	movq	160(%rsp), %rax
	movq	%rax, 16(%rsp)
	movq	168(%rsp), %rax
	movq	%rax, 8(%rsp)
	movq	176(%rsp), %rax
	movq	%rax, (%rsp)
	movabsq	$_ZN8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx, %rax
	leaq	152(%rsp), %rdi
	leaq	192(%rsp), %rsi
	movq	208(%rsp), %rdx
	movq	184(%rsp), %r9
	callq	*%rax
	movl	%eax, %ebp
	movq	192(%rsp), %rbx
	movq	152(%rsp), %r12
	movabsq	$PyEval_RestoreThread, %rax
	movq	%r13, %rdi
	callq	*%rax
	movabsq	$NRT_decref, %r13
	movq	%r15, %rdi
	callq	*%r13
	movq	%r14, %rdi
	callq	*%r13
	testl	%ebp, %ebp
	jne	.LBB1_31
	movabsq	$PyLong_FromLongLong, %rax
	movq	%r12, %rdi
	callq	*%rax
.LBB1_30:
	addq	$376, %rsp
	.cfi_def_cfa_offset 56
	popq	%rbx
	.cfi_def_cfa_offset 48
	popq	%r12
	.cfi_def_cfa_offset 40
	popq	%r13
	.cfi_def_cfa_offset 32
	popq	%r14
	.cfi_def_cfa_offset 24
	popq	%r15
	.cfi_def_cfa_offset 16
	popq	%rbp
	.cfi_def_cfa_offset 8
	vzeroupper
	retq
.LBB1_31:
	.cfi_def_cfa_offset 432
	movabsq	$PyErr_Clear, %rax
	callq	*%rax
	movl	8(%rbx), %esi
	movq	(%rbx), %rdi
	cmpl	$0, 32(%rbx)
	jle	.LBB1_54
	movslq	%esi, %rsi
	movabsq	$PyBytes_FromStringAndSize, %rax
	callq	*%rax
	movq	%rax, %r14
	movq	16(%rbx), %rdi
	callq	*24(%rbx)
	testq	%rax, %rax
	je	.LBB1_59
	movabsq	$numba_runtime_build_excinfo_struct, %rcx
	movq	%r14, %rdi
	movq	%rax, %rsi
	callq	*%rcx
	movq	%rax, %r14
	movabsq	$NRT_Free, %rax
	movq	%rbx, %rdi
	callq	*%rax
	jmp	.LBB1_55
.LBB1_34:
	movabsq	$PyExc_RuntimeError, %rdi
	movabsq	$".const.missing Environment: _ZN08NumbaEnv8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx", %rsi
	jmp	.LBB1_49
.LBB1_35:
	xorl	%r15d, %r15d
	movabsq	$PyErr_Occurred, %rax
	callq	*%rax
	testq	%rax, %rax
	je	.LBB1_4
	jmp	.LBB1_58
.LBB1_36:
	movabsq	$PyExc_ValueError, %rdi
	movabsq	$".const.size mismatch for tuple, expected 7 element(s) but got %zd", %rsi
	movabsq	$PyErr_Format, %rcx
	movq	%rax, %rdx
	xorl	%eax, %eax
	callq	*%rcx
	jmp	.LBB1_5
.LBB1_37:
	movb	$1, %bpl
	jmp	.LBB1_8
.LBB1_38:
	movb	$1, %bpl
	jmp	.LBB1_11
.LBB1_39:
	movq	$0, 184(%rsp)
	movabsq	$PyErr_Occurred, %rax
	callq	*%rax
	testq	%rax, %rax
	je	.LBB1_13
.LBB1_40:
	movb	$1, %bpl
	jmp	.LBB1_13
.LBB1_41:
	movq	$0, 176(%rsp)
	movabsq	$PyErr_Occurred, %rax
	callq	*%rax
	testq	%rax, %rax
	je	.LBB1_15
.LBB1_42:
	movb	$1, %bpl
	jmp	.LBB1_15
.LBB1_43:
	movq	$0, 168(%rsp)
	movabsq	$PyErr_Occurred, %rax
	callq	*%rax
	testq	%rax, %rax
	je	.LBB1_17
.LBB1_44:
	movb	$1, %bpl
	jmp	.LBB1_17
.LBB1_45:
	movq	$0, 160(%rsp)
	movabsq	$PyErr_Occurred, %rax
	callq	*%rax
	testq	%rax, %rax
	je	.LBB1_19
.LBB1_46:
	movb	$1, %bpl
	jmp	.LBB1_19
.LBB1_47:
	xorl	%r15d, %r15d
	jmp	.LBB1_21
.LBB1_48:
	movabsq	$PyExc_TypeError, %rdi
	movabsq	$".const.can't unbox array from PyObject into native value.  The object maybe of a different type", %rsi
.LBB1_49:
	movabsq	$PyErr_SetString, %rax
	vzeroupper
	callq	*%rax
	jmp	.LBB1_58
.LBB1_50:
	movabsq	$PyExc_TypeError, %rdi
	movabsq	$".const.can't unbox array from PyObject into native value.  The object maybe of a different type", %rsi
	movabsq	$PyErr_SetString, %rax
	callq	*%rax
	jmp	.LBB1_53
.LBB1_51:
	xorl	%r12d, %r12d
	movabsq	$PyErr_Occurred, %rax
	callq	*%rax
	testq	%rax, %rax
	je	.LBB1_28
.LBB1_52:
	movabsq	$NRT_decref, %rax
	movq	%r14, %rdi
	callq	*%rax
.LBB1_53:
	movabsq	$NRT_decref, %rax
	movq	%r15, %rdi
	jmp	.LBB1_57
.LBB1_54:
	movq	16(%rbx), %rdx
	movabsq	$numba_unpickle, %rax
	callq	*%rax
	movq	%rax, %r14
.LBB1_55:
	testq	%r14, %r14
	je	.LBB1_58
	movabsq	$numba_do_raise, %rax
	movq	%r14, %rdi
.LBB1_57:
	callq	*%rax
.LBB1_58:
	xorl	%eax, %eax
	jmp	.LBB1_30
.LBB1_59:
	movabsq	$PyExc_RuntimeError, %rdi
	movabsq	$".const.Error creating Python tuple from runtime exception arguments", %rsi
	jmp	.LBB1_49
.Lfunc_end1:
	.size	_ZN7cpython8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx, .Lfunc_end1-_ZN7cpython8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx
	.cfi_endproc

	.globl	cfunc._ZN8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx
	.p2align	4
	.type	cfunc._ZN8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx,@function
cfunc._ZN8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx:
	.cfi_startproc
	pushq	%r15
	.cfi_def_cfa_offset 16
	pushq	%r14
	.cfi_def_cfa_offset 24
	pushq	%rbx
	.cfi_def_cfa_offset 32
	subq	$176, %rsp
	.cfi_def_cfa_offset 208
	.cfi_offset %rbx, -32
	.cfi_offset %r14, -24
	.cfi_offset %r15, -16
	movq	%rdi, %rdx
	vmovaps	208(%rsp), %xmm0
	movq	224(%rsp), %rax
	movq	256(%rsp), %rsi
	movq	280(%rsp), %rdi
	movq	312(%rsp), %r10
	movq	336(%rsp), %r11
	movq	$0, 168(%rsp)
	movq	$0, 160(%rsp)
	movq	%r11, 144(%rsp)
	movq	%r10, 120(%rsp)
	movq	%rdi, 88(%rsp)
	movq	%rsi, 64(%rsp)
	movq	%rax, 32(%rsp)
	vmovups	%xmm0, 16(%rsp)
	movq	%r9, 8(%rsp)
	movq	%r8, (%rsp)
	movabsq	$_ZN8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx, %rax
	leaq	168(%rsp), %rdi
	leaq	160(%rsp), %rsi
	movq	%rcx, %r9
	callq	*%rax
	movl	%eax, %ecx
	movq	160(%rsp), %rbx
	movq	168(%rsp), %rax
	movl	$0, 156(%rsp)
	testl	%ecx, %ecx
	jne	.LBB2_1
.LBB2_5:
	addq	$176, %rsp
	.cfi_def_cfa_offset 32
	popq	%rbx
	.cfi_def_cfa_offset 24
	popq	%r14
	.cfi_def_cfa_offset 16
	popq	%r15
	.cfi_def_cfa_offset 8
	retq
.LBB2_1:
	.cfi_def_cfa_offset 208
	movq	%rax, %r15
	movabsq	$numba_gil_ensure, %rax
	leaq	156(%rsp), %rdi
	callq	*%rax
	movabsq	$PyErr_Clear, %rax
	callq	*%rax
	movl	8(%rbx), %esi
	movq	(%rbx), %rdi
	cmpl	$0, 32(%rbx)
	jle	.LBB2_6
	movslq	%esi, %rsi
	movabsq	$PyBytes_FromStringAndSize, %rax
	callq	*%rax
	movq	%rax, %r14
	movq	16(%rbx), %rdi
	callq	*24(%rbx)
	testq	%rax, %rax
	je	.LBB2_3
	movabsq	$numba_runtime_build_excinfo_struct, %rcx
	movq	%r14, %rdi
	movq	%rax, %rsi
	callq	*%rcx
	movq	%rax, %r14
	movabsq	$NRT_Free, %rax
	movq	%rbx, %rdi
	callq	*%rax
	jmp	.LBB2_7
.LBB2_6:
	movq	16(%rbx), %rdx
	movabsq	$numba_unpickle, %rax
	callq	*%rax
	movq	%rax, %r14
.LBB2_7:
	testq	%r14, %r14
	je	.LBB2_4
	movabsq	$numba_do_raise, %rax
	movq	%r14, %rdi
	callq	*%rax
.LBB2_4:
	movabsq	$".const.<numba.core.cpu.CPUContext>", %rdi
	movabsq	$PyUnicode_FromString, %rax
	callq	*%rax
	movq	%rax, %rbx
	movabsq	$PyErr_WriteUnraisable, %rax
	movq	%rbx, %rdi
	callq	*%rax
	movabsq	$Py_DecRef, %rax
	movq	%rbx, %rdi
	callq	*%rax
	movabsq	$numba_gil_release, %rax
	leaq	156(%rsp), %rdi
	callq	*%rax
	movq	%r15, %rax
	jmp	.LBB2_5
.LBB2_3:
	movabsq	$PyExc_RuntimeError, %rdi
	movabsq	$".const.Error creating Python tuple from runtime exception arguments.1", %rsi
	movabsq	$PyErr_SetString, %rax
	callq	*%rax
	xorl	%eax, %eax
	jmp	.LBB2_5
.Lfunc_end2:
	.size	cfunc._ZN8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx, .Lfunc_end2-cfunc._ZN8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx
	.cfi_endproc

	.weak	NRT_decref
	.p2align	4
	.type	NRT_decref,@function
NRT_decref:
	.cfi_startproc
	testq	%rdi, %rdi
	je	.LBB3_2
	#MEMBARRIER
	lock		decq	(%rdi)
	je	.LBB3_3
.LBB3_2:
	retq
.LBB3_3:
	#MEMBARRIER
	movabsq	$NRT_MemInfo_call_dtor, %rax
	jmpq	*%rax
.Lfunc_end3:
	.size	NRT_decref, .Lfunc_end3-NRT_decref
	.cfi_endproc

	.weak	NRT_incref
	.p2align	4
	.type	NRT_incref,@function
NRT_incref:
	testq	%rdi, %rdi
	je	.LBB4_2
	lock		incq	(%rdi)
.LBB4_2:
	retq
.Lfunc_end4:
	.size	NRT_incref, .Lfunc_end4-NRT_incref

	.type	.const.dil,@object
	.section	.lrodata,"al",@progbits
.const.dil:
	.asciz	"dil"
	.size	.const.dil, 4

	.type	_ZN08NumbaEnv8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx,@object
	.comm	_ZN08NumbaEnv8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx,8,8
	.type	".const.missing Environment: _ZN08NumbaEnv8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx",@object
	.p2align	4, 0x0
".const.missing Environment: _ZN08NumbaEnv8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx":
	.asciz	"missing Environment: _ZN08NumbaEnv8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx"
	.size	".const.missing Environment: _ZN08NumbaEnv8__main__3dilB2v7B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dEx23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedEx", 209

	.type	".const.size mismatch for tuple, expected 7 element(s) but got %zd",@object
	.p2align	4, 0x0
".const.size mismatch for tuple, expected 7 element(s) but got %zd":
	.asciz	"size mismatch for tuple, expected 7 element(s) but got %zd"
	.size	".const.size mismatch for tuple, expected 7 element(s) but got %zd", 59

	.type	".const.can't unbox array from PyObject into native value.  The object maybe of a different type",@object
	.p2align	4, 0x0
".const.can't unbox array from PyObject into native value.  The object maybe of a different type":
	.asciz	"can't unbox array from PyObject into native value.  The object maybe of a different type"
	.size	".const.can't unbox array from PyObject into native value.  The object maybe of a different type", 89

	.type	".const.Error creating Python tuple from runtime exception arguments",@object
	.p2align	4, 0x0
".const.Error creating Python tuple from runtime exception arguments":
	.asciz	"Error creating Python tuple from runtime exception arguments"
	.size	".const.Error creating Python tuple from runtime exception arguments", 61

	.type	".const.Error creating Python tuple from runtime exception arguments.1",@object
	.p2align	4, 0x0
".const.Error creating Python tuple from runtime exception arguments.1":
	.asciz	"Error creating Python tuple from runtime exception arguments"
	.size	".const.Error creating Python tuple from runtime exception arguments.1", 61

	.type	".const.<numba.core.cpu.CPUContext>",@object
	.p2align	4, 0x0
".const.<numba.core.cpu.CPUContext>":
	.asciz	"<numba.core.cpu.CPUContext>"
	.size	".const.<numba.core.cpu.CPUContext>", 28

	.type	_ZN08NumbaEnv4chdt9bitplanes8plane_atB2v2B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dE23Grid_28int64_20x_207_2923Literal_5bint_5d_280_29,@object
	.comm	_ZN08NumbaEnv4chdt9bitplanes8plane_atB2v2B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dE23Grid_28int64_20x_207_2923Literal_5bint_5d_280_29,8,8
	.type	_ZN08NumbaEnv4chdt9bitplanes8plane_atB2v8B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dE23Grid_28int64_20x_207_2923Literal_5bint_5d_282_29,@object
	.comm	_ZN08NumbaEnv4chdt9bitplanes8plane_atB2v8B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dE23Grid_28int64_20x_207_2923Literal_5bint_5d_282_29,8,8
	.type	_ZN08NumbaEnv4chdt9bitplanes8plane_atB2v9B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dE23Grid_28int64_20x_207_2923Literal_5bint_5d_281_29,@object
	.comm	_ZN08NumbaEnv4chdt9bitplanes8plane_atB2v9B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dE23Grid_28int64_20x_207_2923Literal_5bint_5d_281_29,8,8
	.type	.const.pickledata.ca8efb3a72d614fe872032cce3ac326007a30727,@object
	.p2align	4, 0x0
.const.pickledata.ca8efb3a72d614fe872032cce3ac326007a30727:
	.ascii	"\200\004\225A\000\000\000\000\000\000\000\214\bbuiltins\224\214\nValueError\224\223\224\214\036range() arg 3 must not be zero\224\205\224N\207\224."
	.size	.const.pickledata.ca8efb3a72d614fe872032cce3ac326007a30727, 76

	.type	.const.pickledata.ca8efb3a72d614fe872032cce3ac326007a30727.sha1,@object
	.p2align	4, 0x0
.const.pickledata.ca8efb3a72d614fe872032cce3ac326007a30727.sha1:
	.ascii	"\312\216\373:r\326\024\376\207 2\314\343\2542`\007\243\007'"
	.size	.const.pickledata.ca8efb3a72d614fe872032cce3ac326007a30727.sha1, 20

	.type	.const.picklebuf.ca8efb3a72d614fe872032cce3ac326007a30727,@object
	.p2align	4, 0x0
.const.picklebuf.ca8efb3a72d614fe872032cce3ac326007a30727:
	.quad	.const.pickledata.ca8efb3a72d614fe872032cce3ac326007a30727
	.long	76
	.zero	4
	.quad	.const.pickledata.ca8efb3a72d614fe872032cce3ac326007a30727.sha1
	.quad	0
	.long	0
	.zero	4
	.size	.const.picklebuf.ca8efb3a72d614fe872032cce3ac326007a30727, 40

	.type	_ZN08NumbaEnv4chdt9bitplanes17dilate_along_rowsB3v10B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dE23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedExxx,@object
	.comm	_ZN08NumbaEnv4chdt9bitplanes17dilate_along_rowsB3v10B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dE23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedExxx,8,8
	.type	_ZN08NumbaEnv4chdt9bitplanes11keep_higherB3v11B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dE23Grid_28int64_20x_207_29x,@object
	.comm	_ZN08NumbaEnv4chdt9bitplanes11keep_higherB3v11B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dE23Grid_28int64_20x_207_29x,8,8
	.type	_ZN08NumbaEnv4chdt9bitplanes10keep_lowerB3v12B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dE23Grid_28int64_20x_207_29x,@object
	.comm	_ZN08NumbaEnv4chdt9bitplanes10keep_lowerB3v12B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dE23Grid_28int64_20x_207_29x,8,8
	.type	_ZN08NumbaEnv4chdt9bitplanes18dilate_across_rowsB3v16B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dE23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedExxx,@object
	.comm	_ZN08NumbaEnv4chdt9bitplanes18dilate_across_rowsB3v16B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dE23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedE5ArrayIyLi1E1C7mutable7alignedExxx,8,8
	.type	_ZN08NumbaEnv4chdt9bitplanes12moved_higherB3v13B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dE23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedExxx,@object
	.comm	_ZN08NumbaEnv4chdt9bitplanes12moved_higherB3v13B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dE23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedExxx,8,8
	.type	_ZN08NumbaEnv5numba7cpython8builtins6ol_max12_3clocals_3e4implB3v14B56c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBFmRMMkiiDmaAIAE15StarArgUniTupleIxLi2EE,@object
	.comm	_ZN08NumbaEnv5numba7cpython8builtins6ol_max12_3clocals_3e4implB3v14B56c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBFmRMMkiiDmaAIAE15StarArgUniTupleIxLi2EE,8,8
	.type	_ZN08NumbaEnv4chdt9bitplanes11moved_lowerB3v15B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dE23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedExxx,@object
	.comm	_ZN08NumbaEnv4chdt9bitplanes11moved_lowerB3v15B64c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBEwPKAspPQDFtEEAA_3d_3dE23Grid_28int64_20x_207_295ArrayIyLi1E1C7mutable7alignedExxx,8,8
	.type	_ZN08NumbaEnv5numba7cpython8builtins6ol_min12_3clocals_3e4implB2v4B56c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBFmRMMkiiDmaAIAE15StarArgUniTupleIxLi2EE,@object
	.comm	_ZN08NumbaEnv5numba7cpython8builtins6ol_min12_3clocals_3e4implB2v4B56c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAQUQzVBFmRMMkiiDmaAIAE15StarArgUniTupleIxLi2EE,8,8
	.section	".note.GNU-stack","",@progbits
